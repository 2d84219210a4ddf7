import { join } from 'node:path';
import { startDaemon } from '#test/support/daemon';
import { DebianContainerd } from './debian-containerd.ts';
import { endContainers } from './programs.ts';

/** A daemon that is measured. */
export interface Engine {
  /** Berth, or containerd with its version where there are several. */
  readonly name: string;
  readonly address: string;
  readonly pid: number;
  /** The `ctr` of its own package. */
  readonly ownCtr: string;
}

/** A containerd to stand beside Berth. */
export interface Peer {
  readonly name: string;
  /** The directory with containerd, its shim and ctr. */
  readonly programs: string;
}

/** The daemons, each with empty stores in a directory of its own on the same filesystem; Berth first. Disposing it ends them. */
export interface Engines extends AsyncDisposable {
  readonly all: readonly [Engine, ...Engine[]];
}

/** @throws when dist/bin is not built, or a peer is not there */
export async function startEngines(parent: string, peers: readonly Peer[]): Promise<Engines> {
  await using open = new AsyncDisposableStack();
  const ours = open.use(await startDaemon({ parent, built: true }));
  const berth: Engine = { name: 'Berth', address: ours.address, pid: ours.pid, ownCtr };
  const theirs: Engine[] = [];
  for (const { name, programs } of peers) {
    const { address, pid } = open.use(await DebianContainerd.start(parent, '', programs));
    theirs.push({ name, address, pid, ownCtr: join(programs, 'ctr') });
  }
  const all: readonly [Engine, ...Engine[]] = [berth, ...theirs];
  open.defer(() => endContainers(all));
  const held = open.move();
  return { all, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

const ownCtr = new URL('../../dist/bin/ctr', import.meta.url).pathname;
