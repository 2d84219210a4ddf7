import { fromBinary } from '@bufbuild/protobuf';
import { MetricsSchema as MetricsV1 } from '#api/cgroups/v1/metrics_pb';
import { MetricsSchema as MetricsV2 } from '#api/cgroups/v2/metrics_pb';
import type { Any } from '#base/any';
import { within } from '#base/cancellation';
import { flag, table } from '#base/config';
import type { MetricFamily, Sample } from '#base/metrics';
import { Metadata } from '#core/metadata';
import { definePlugin } from '#core/plugin/plugin';
import { one, slot } from '#core/plugin/slot';
import { Tasks } from '#core/runtime/tasks';
import { scopeOf } from '#core/scope';
import type { Figure } from './figure.ts';
import { figuresV1 } from './figures-v1.ts';
import { figuresV2 } from './figures-v2.ts';

/** The longest that one reading of all containers may take; who has not answered by then is left out. */
const readTimeoutMs = 10_000;

/** Shows every running container's use of processor, memory and devices among the metrics. */
export default definePlugin({
  slot: slot<Disposable>('io.containerd.monitor.task.v1', { perPlatform: true }),
  id: 'cgroups',
  config: table({ no_prometheus: flag({ help: 'Do not show the figures of containers.' }) }),
  needs: { tasks: one(Tasks, 'tasks-service'), metadata: one(Metadata) },
  start({ config, daemon, signal }, { tasks, metadata }) {
    if (config.no_prometheus) return { [Symbol.dispose]: () => {} };
    return daemon.metrics.collector(() => families(tasks, metadata, signal));
  },
});

async function families(tasks: Tasks, metadata: Metadata, signal: AbortSignal): Promise<readonly MetricFamily[]> {
  const byName = new Map<string, { readonly figure: Figure; readonly samples: Sample[] }>();
  const limit = within(readTimeoutMs, signal);
  for (const { name: namespace } of await metadata.namespaces.list()) {
    const scope = scopeOf(namespace, { signal: limit });
    const metrics = await tasks.metrics(scope);
    if (metrics.length === 0) continue;
    const runtimes = new Map((await metadata.containers.list(scope)).map(({ id, runtime }) => [id, runtime.name]));
    for (const { id, data } of metrics) {
      const whose = { container_id: id, namespace, runtime: runtimes.get(id) ?? '' };
      for (const figure of figuresIn(data)) {
        const family = byName.get(figure.name) ?? { figure, samples: [] };
        byName.set(figure.name, family);
        family.samples.push({ labels: { ...whose, ...figure.labels }, value: Number(figure.value) });
      }
    }
  }
  return [...byName.values()].map(({ figure: { name, kind }, samples }) => ({
    ...{ name: `container_${name}`, kind, samples },
    help: `The control group's ${name.replaceAll('_', ' ')}.`,
  }));
}

/** What a shim sends; figures of a kind that we do not know are none. */
function figuresIn({ typeUrl, value }: Any): readonly Figure[] {
  if (typeUrl.endsWith(MetricsV1.typeName)) return figuresV1(fromBinary(MetricsV1, value));
  if (typeUrl.endsWith(MetricsV2.typeName)) return figuresV2(fromBinary(MetricsV2, value));
  return [];
}
