import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { CheckedMetadata, CheckPlace } from '#core/check/store-check';
import { listBundles } from './bundle.ts';

/** Compares bundles and work directories with each other and with the records. Containers may run: nothing of theirs is touched. */
export async function checkBundles(
  { rootDir, stateDir, report }: CheckPlace<unknown>,
  known: CheckedMetadata,
): Promise<void> {
  const { bundles, leftovers } = await listBundles({ state: stateDir, work: rootDir });
  // Something may still be mounted in these: the daemon knows how to take that down.
  for (const path of leftovers) await report.add('bundle-orphan', path, 'its removal was cut short');
  for (const { namespace, id, path } of bundles) {
    if (!existsSync(join(path, 'config.json'))) await report.add('bundle-orphan', path, 'its making was cut short');
    else if (!known.runnable.has(`${namespace}/${id}`))
      await report.add('task-orphan', path, `${namespace} has no container or sandbox ${id}`);
  }
  for (const namespace of await names(rootDir)) {
    for (const id of await names(join(rootDir, namespace))) {
      if (existsSync(join(stateDir, namespace, id))) continue;
      // Not removed: whoever names another state directory than the daemon's would remove those of tasks that run.
      await report.add('bundle-orphan', join(rootDir, namespace, id), `no task below ${stateDir} has this directory`);
    }
  }
}

const names = async (path: string): Promise<string[]> => (existsSync(path) ? (await readdir(path)).sort() : []);
