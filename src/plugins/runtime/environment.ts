import type { Any } from '#base/any';
import type { Log } from '#base/log';
import { type Bootstrap, formatBootstrap, type StartParams } from './bootstrap.ts';
import { type Bundle, type BundleRoots, readBundleFile, writeBundleFile } from './bundle.ts';
import type { Exits } from './exits.ts';
import type { ShimBinaries } from './shim-binary.ts';
import type { TaskMounts } from './task-mounts.ts';
import type { TaskTable } from './task-table.ts';

/** How long each kind of call may take, in milliseconds. */
export interface Limits {
  readonly load: number;
  readonly start: number;
  readonly call: number;
  readonly kill: number;
  readonly state: number;
  readonly cleanup: number;
  readonly shutdown: number;
  /** For a shim's program, asked about its runtime. */
  readonly info: number;
}

/** What it takes to start a shim, and to clean up after one. */
export interface ShimHost {
  readonly roots: BundleRoots;
  readonly limits: Limits;
  readonly binaries: ShimBinaries;
  readonly log: Log;
  readonly daemon: Omit<StartParams, 'namespace' | 'id' | 'options'>;
}

/** What the parts of the runtime plugin share. */
export interface Environment extends ShimHost {
  readonly tasks: TaskTable;
  readonly mounts: TaskMounts;
  readonly exits: Exits;
}

export const paramsFor = (env: Pick<ShimHost, 'daemon'>, bundle: Bundle, options?: Any): StartParams => ({
  ...env.daemon,
  namespace: bundle.namespace,
  id: bundle.id,
  ...(options === undefined ? {} : { options }),
});

/** What a later daemon needs to clean up after the shim. */
export const rememberBinary = (bundle: Bundle, binary: string): Promise<void> =>
  writeBundleFile(bundle, 'shim-binary-path', binary);

/** What it needs to find the shim. */
export const rememberShim = (bundle: Bundle, bootstrap: Bootstrap): Promise<void> =>
  writeBundleFile(bundle, 'bootstrap.json', formatBootstrap(bootstrap));

/** The inverse. Bundles of other daemons may hold a bare address only. */
export async function recallShim(
  bundle: Bundle,
): Promise<{ readonly binary: string | undefined; readonly bootstrap: string | undefined }> {
  const [binary, json, address] = await Promise.all(
    ['shim-binary-path', 'bootstrap.json', 'address'].map((name) => readBundleFile(bundle, name)),
  );
  return { binary: binary?.trim(), bootstrap: json ?? address };
}
