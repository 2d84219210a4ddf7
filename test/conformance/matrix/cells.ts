import { join } from 'node:path';
import type { Program } from '#cmd/cli/command';
import { compareTrees, programs } from '../command-tree.ts';
import { type Meeting, walkCtr } from './ctr-walk.ts';
import { walkDifferential } from './differential-walk.ts';
import { type DockerMeeting, walkDocker } from './docker-walk.ts';
import { walkEvents } from './events-walk.ts';
import { walkForeignShim, walkSandboxes } from './sandbox-walk.ts';
import { berth, debian, unstable, unstableDocker, type Walked } from './walk.ts';

/** One cell of the matrix: a client, a daemon and a shim that must do together. */
export interface Cell {
  /** What chooses it on the command line. */
  readonly name: string;
  readonly client: string;
  readonly daemon: string;
  readonly shim: string;
  /** How many of its checks there are at least; a walk that ends early is none. */
  readonly atLeast: number;
  readonly walk: () => Promise<Walked>;
  /** Of others only: tells what is theirs when a cell of ours fails. Runs only when its name is given in full. */
  readonly reference?: true;
}

const ctr = (meeting: Meeting): Cell => {
  const { client, daemon, shim } = meeting;
  return {
    name: `ctr-${client.name}/${daemon.name}/shim-${shim.name}`,
    client: `ctr ${client.name}`,
    daemon: daemon === berth ? 'berth' : `containerd ${daemon.name}`,
    shim: shim === berth ? 'ours' : `runc-v2 ${shim.name}`,
    atLeast: 90,
    walk: () => walkCtr(meeting),
  };
};

/** Not a walk: whether our program has all that the help of another one tells of. */
const help = (name: 'ctr' | 'containerd'): Cell => ({
  name: `help/${name}-${unstable.name}`,
  client: `${name} ${unstable.name}`,
  daemon: 'the help of ours',
  shim: '-',
  atLeast: name === 'ctr' ? 90 : 4,
  walk: async () => {
    const { common, missing, stale } = await compareTrees(join(unstable.bin, name), programs[name] as Program);
    return { succeeded: common, failed: [...missing, ...stale.map((line) => `no longer so: ${line}`)] };
  },
});

const docker = (meeting: DockerMeeting): Cell => {
  const { version, daemon, imagesInContainerd = false } = meeting;
  const name = imagesInContainerd ? '-images' : '';
  return {
    name: `dockerd-${version}${name}/${daemon.name}`,
    client: `dockerd ${version}${name}`,
    daemon: daemon === berth ? 'berth' : `containerd ${daemon.name}`,
    shim: daemon === berth ? 'ours' : `runc-v2 ${daemon.name}`,
    atLeast: 110,
    walk: () => walkDocker(meeting),
  };
};

/** Sandboxes: the API's answers beside containerd's, with our shim under both; and shims that are none. */
const sandboxes: readonly Cell[] = [
  {
    ...{
      name: `sandboxes/${unstable.name}`,
      client: 'the API, ctr 2.1.9',
      daemon: `berth and containerd ${unstable.name}`,
      shim: 'ours',
    },
    ...{ atLeast: 85, walk: walkSandboxes },
  },
  {
    ...{
      name: `sandboxes/shim-${unstable.name}`,
      client: 'the API',
      daemon: 'berth',
      shim: `runc-v2 ${unstable.name}`,
    },
    ...{ atLeast: 3, walk: () => walkForeignShim() },
  },
];

const differential: Cell = {
  name: `differential/${unstable.name}`,
  client: 'the API, call by call',
  daemon: `berth and containerd ${unstable.name}`,
  shim: 'of each',
  atLeast: 500,
  walk: walkDifferential,
};

const events: Cell = {
  name: `events/${unstable.name}`,
  client: `ctr 1.6.20, ctr ${unstable.name}`,
  daemon: `berth and containerd ${unstable.name}`,
  shim: 'of each',
  atLeast: 120,
  walk: walkEvents,
};

/** The cells that need only what setup installs: `npm test` has them. */
export const atHome: readonly Cell[] = [
  ctr({ client: debian, daemon: berth, shim: berth }),
  ctr({ client: debian, daemon: berth, shim: debian }),
  ctr({ client: berth, daemon: berth, shim: berth }),
  ctr({ client: berth, daemon: debian, shim: debian }),
];

/** The whole matrix. */
export const cells: readonly Cell[] = [
  ...atHome,
  ctr({ client: unstable, daemon: berth, shim: berth }),
  ctr({ client: unstable, daemon: berth, shim: unstable }),
  ctr({ client: berth, daemon: debian, shim: berth }),
  ctr({ client: berth, daemon: unstable, shim: unstable }),
  ctr({ client: berth, daemon: unstable, shim: berth }),
  help('ctr'),
  help('containerd'),
  ...sandboxes,
  differential,
  events,
  docker({ version: '20.10', daemon: berth }),
  docker({ version: unstableDocker, daemon: berth }),
  docker({ version: unstableDocker, daemon: berth, imagesInContainerd: true }),
  { ...ctr({ client: debian, daemon: debian, shim: debian }), reference: true },
  { ...ctr({ client: unstable, daemon: unstable, shim: unstable }), reference: true },
  { ...ctr({ client: unstable, daemon: debian, shim: debian }), reference: true },
  { ...ctr({ client: debian, daemon: unstable, shim: unstable }), reference: true },
  { ...docker({ version: '20.10', daemon: debian }), reference: true },
  { ...docker({ version: unstableDocker, daemon: unstable }), reference: true },
  { ...docker({ version: unstableDocker, daemon: unstable, imagesInContainerd: true }), reference: true },
];
