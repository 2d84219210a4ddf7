import { startDaemon } from '#test/support/daemon';
import { DebianContainerd } from './debian-containerd.ts';
import { endContainers } from './programs.ts';

/** A daemon that is measured. */
export interface Engine {
  readonly name: EngineName;
  readonly address: string;
  readonly pid: number;
}
export type EngineName = 'berth' | 'containerd';

/** Both daemons, each with empty stores in a directory of its own on the same filesystem. Disposing it ends them. */
export interface Engines extends AsyncDisposable {
  readonly berth: Engine;
  readonly containerd: Engine;
}

/** @throws when dist/bin is not built, or Debian's containerd is not installed */
export async function startEngines(parent: string): Promise<Engines> {
  await using open = new AsyncDisposableStack();
  const ours = open.use(await startDaemon({ parent, built: true }));
  const theirs = open.use(await DebianContainerd.start(parent));
  const berth: Engine = { name: 'berth', address: ours.address, pid: ours.pid };
  const containerd: Engine = { name: 'containerd', address: theirs.address, pid: theirs.pid };
  open.defer(() => endContainers([berth, containerd]));
  const held = open.move();
  return {
    berth,
    containerd,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}
