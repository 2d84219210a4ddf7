import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { table, text } from '#base/config';
import { definePlugin } from '#core/plugin/plugin';
import { slot } from '#core/plugin/slot';

/** A place for programs and libraries that come as images (`ctr install`): the daemon and the shims that it starts find them first. */
export default definePlugin({
  slot: slot<{ readonly path: string }>('io.containerd.internal.v1'),
  id: 'opt',
  config: table({ path: text({ default: '/opt/containerd', help: 'Directory with bin and lib.' }) }),
  async start({ config: { path }, setExport }) {
    for (const name of ['bin', 'lib']) await mkdir(join(path, name), { recursive: true, mode: 0o711 });
    process.env.PATH = prepend(join(path, 'bin'), process.env.PATH);
    process.env.LD_LIBRARY_PATH = prepend(join(path, 'lib'), process.env.LD_LIBRARY_PATH);
    setExport('path', path);
    return { path };
  },
});

/** A restarted daemon in the same process must not make the list longer. */
function prepend(directory: string, list: string | undefined): string {
  const rest = (list ?? '').split(':').filter((each) => each !== '' && each !== directory);
  return [directory, ...rest].join(':');
}
