import { statSync } from 'node:fs';
import { join } from 'node:path';
import { notFound } from '#base/errors';
import { type Finding, Report } from '#core/check/findings';
import type { CheckedMetadata, CheckPlace, StoreCheck } from '#core/check/store-check';
import { type AnyPlugin, pluginName } from '#core/plugin/plugin';
import type { DaemonConfig } from './config/load.ts';
import { lockDirectory } from './directories.ts';

export interface CheckOptions {
  readonly config: DaemonConfig;
  readonly repair: boolean;
  /** Reads the bytes of all blobs. */
  readonly deep: boolean;
}

/**
 * Looks whether all that the daemon keeps below its root is whole. Nothing is changed without `repair`, but that the lock file is there.
 *
 * @throws not_found without the root; failed_precondition while a daemon has it
 */
export async function checkStore({ config, repair, deep }: CheckOptions): Promise<readonly Finding[]> {
  const { root } = config.top;
  if (statSync(root, { throwIfNoEntry: false })?.isDirectory() !== true) throw notFound(`root ${root}`);
  using _ = await lockDirectory(root);
  const found = await look({ config, repair, deep });
  if (!found.some(({ repaired }) => repaired)) return found;
  // What one repair laid open only a second look can see. Under the same lock: a daemon may be waiting to start.
  const left = await look({ config, repair, deep });
  return [...found, ...left.filter((finding) => !found.some((other) => same(finding, other)))];
}

const same = (a: Finding, b: Finding): boolean => a.kind === b.kind && a.subject === b.subject && a.detail === b.detail;

async function look({ config, repair, deep }: CheckOptions): Promise<readonly Finding[]> {
  const { root } = config.top;
  const report = new Report({ repair });
  const stores = config.plugins.flatMap((plugin) =>
    plugin.check === undefined ? [] : [{ plugin, check: plugin.check, place: placeOf(config, plugin, report, deep) }],
  );
  await using known = await openMetadata(stores);
  if (known === undefined) {
    // One that is damaged has been told.
    const holders = stores.filter(({ check, place }) => check.holds?.(place) === true);
    const named = holders.map(({ plugin }) => pluginName(plugin));
    if (report.findings.length === 0 && named.length > 0)
      await report.add('database-missing', root, `nothing names what there is in ${named.join(', ')}`);
    return report.findings;
  }
  for (const { check, place } of stores) await check.backend?.(place, known);
  await known.finish();
  return report.findings;
}

interface Store {
  readonly plugin: AnyPlugin;
  readonly check: StoreCheck<unknown>;
  readonly place: CheckPlace<unknown>;
}

async function openMetadata(stores: readonly Store[]): Promise<CheckedMetadata | undefined> {
  for (const { check, place } of stores) {
    const known = await check.metadata?.(place);
    if (known !== undefined) return known;
  }
  return undefined;
}

function placeOf(config: DaemonConfig, plugin: AnyPlugin, report: Report, deep: boolean): CheckPlace<unknown> {
  const name = pluginName(plugin);
  const directories = { rootDir: join(config.top.root, name), stateDir: join(config.top.state, name) };
  return { config: config.of(plugin), ...directories, id: plugin.id, deep, report };
}
