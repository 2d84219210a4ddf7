import { definePlugin, SkipPlugin } from '#core/plugin/plugin';
import { every, slot } from '#core/plugin/slot';
import { TracingProcessor } from '#core/tracing/processor';

/** Hands the daemon's spans to the processor that there is. */
export default definePlugin({
  slot: slot<Disposable>('io.containerd.internal.v1'),
  id: 'tracing',
  needs: { processors: every(TracingProcessor) },
  async start({ daemon }, { processors }) {
    const [processor] = processors.values();
    if (processor === undefined) throw new SkipPlugin('no tracing processor');
    return daemon.tracing.use(processor.tracer);
  },
});
