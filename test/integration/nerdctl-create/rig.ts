import { randomUUID } from 'node:crypto';
import { chownSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, openClient } from '#client/client';
import { pull } from '#client/transfer';
import { nerdctl } from '#cmd/nerdctl/program';
import { type ContainerSettings, settingsOf } from '#core/engine/container-settings';
import { type Layout, layoutFor } from '#core/engine/layout';
import { type Scope, scopeOf } from '#core/scope';
import { fillBusyboxRoot, tarLayer } from '#test/support/busybox-image';
import { startDaemon, type TestDaemon } from '#test/support/daemon';
import { FakeRegistry } from '#test/support/fake-registry';
import { forgetNamespace } from '#test/support/nothing-left';
import { type ProgramInput, type Ran, runProgramForTest } from '#test/support/run-program';
import { publish, sampleImage } from '#test/support/sample-image';

/** A daemon with two images, and nerdctl with a data root of its own. */
export interface CreateRig extends AsyncDisposable {
  readonly daemon: TestDaemon;
  readonly client: Client;
  readonly scope: Scope;
  readonly layout: Layout;
  readonly dataRoot: string;
  /** Where images come from that are not here. */
  readonly registry: string;
  nerdctl(words: readonly string[], input?: ProgramInput): Promise<Ran>;
  /** Makes a container of the image `box` without a network and returns its id. @throws with what was said when it cannot be */
  create(...words: readonly string[]): Promise<string>;
  /** Runs one to its end, and says what it printed on both streams. It is removed. */
  said(...words: readonly string[]): Promise<string>;
  /** Runs one until `use` is over, and removes it. */
  running<T>(words: readonly string[], use: (id: string) => Promise<T>): Promise<T>;
  settings(id: string): Promise<ContainerSettings>;
  /** Everything that containers leave: records, snapshots, names, directories, volumes. */
  things(): Promise<readonly string[]>;
}

const applets =
  'sh true false sleep echo cat ls id touch pwd grep head ps kill stat hostname dd mkdir mount umount dmesg env ipcs readlink wc test stty seq';

export async function startCreateRig(globals: readonly string[] = []): Promise<CreateRig> {
  await using open = new AsyncDisposableStack();
  // The init stands beside the programs of an installation; this one is bun.
  process.env.PATH = `${new URL('../../../dist/bin', import.meta.url).pathname}:${process.env.PATH}`;
  const scope = scopeOf(`cr-${randomUUID().slice(0, 8)}`);
  open.defer(() => forgetNamespace(scope.namespace));
  const registry = open.use(await FakeRegistry.start());
  publish(registry, 'lib/box', 'v1', boxImage());
  publish(registry, 'lib/box', 'other', boxImage('other'));
  const daemon = open.use(await startDaemon({ built: true }));
  const client = open.use(openClient(daemon.address));
  await pull(client, scope, `${registry.host}/lib/box:v1`, { name: 'docker.io/library/box:latest' });
  const dataRoot = mkdtempSync(join(tmpdir(), 'berth-create-'));
  open.defer(() => rmSync(dataRoot, { recursive: true, force: true }));
  const layout = layoutFor(dataRoot, daemon.address);
  // Networks that nobody else on this machine sees; they are only written down.
  const netconfPath = join(dataRoot, 'net.d');
  const flags = [
    '-a',
    daemon.address,
    '-n',
    scope.namespace,
    '--data-root',
    dataRoot,
    '--cni-netconfpath',
    netconfPath,
    ...globals,
  ];
  const run = (words: readonly string[], input?: ProgramInput) =>
    runProgramForTest(nerdctl, [...flags, ...words], input);
  const create = async (...words: readonly string[]) => {
    const { code, out, err } = await run(['create', '--network', 'none', ...words]);
    if (code !== 0) throw new Error(err);
    return out.trim();
  };
  const remove = async (id: string) => {
    const { code, err } = await run(['rm', '-f', '-v', id]);
    if (code !== 0) throw new Error(err);
  };
  open.defer(async () => {
    for (const { id } of await client.containers.list(scope)) await remove(id);
  });
  const held = open.move();
  return {
    ...{ daemon, client, scope, layout, dataRoot, registry: registry.host, nerdctl: run, create },
    said: async (...words) => {
      const { out, err } = await run(['run', '--rm', '--network', 'none', ...words]);
      return out + err;
    },
    running: async (words, use) => {
      const { code, out, err } = await run(['run', '-d', '--network', 'none', ...words]);
      if (code !== 0) throw new Error(err);
      try {
        return await use(out.trim());
      } finally {
        await remove(out.trim());
      }
    },
    settings: async (id) => {
      const settings = settingsOf(await client.containers.get(scope, id));
      if (settings === undefined) throw new Error(`${id} has no settings`);
      return settings;
    },
    things: async () => {
      const records = (await client.containers.list(scope)).map(({ id }) => `record ${id}`);
      const snapshots: string[] = [];
      for await (const { name, kind } of (await client.snapshotter(scope, '')).walk(scope, []))
        if (kind !== 'committed') snapshots.push(`snapshot ${name}`);
      const { namespace } = scope;
      const files = [layout.names(namespace), join(layout.container(namespace, 'x'), '..'), layout.volumes(namespace)];
      const leases = (await client.leases.list(scope, [])).map(({ id }) => `lease ${id}`);
      return [...records, ...snapshots, ...leases, ...files.flatMap(namesIn)].sort();
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).map((name) => join(directory, name));
  } catch {
    return []; // never made
  }
}

/** Busybox, accounts, a directory that a volume can begin with, and everything that an image can say about running it. */
function boxImage(mark = '') {
  const directory = mkdtempSync(join(tmpdir(), 'berth-box-'));
  try {
    fillBusyboxRoot(directory, applets.split(' '));
    writeFileSync(join(directory, 'etc/passwd'), 'root:x:0:0::/root:/bin/sh\nbob:x:1000:1000::/home:/bin/sh\n');
    writeFileSync(join(directory, 'etc/group'), 'root:x:0:\naudio:x:29:\nbob:x:1000:\n');
    mkdirSync(join(directory, 'data/deep'), { recursive: true });
    writeFileSync(join(directory, 'data/deep/file'), 'from the image\n');
    writeFileSync(join(directory, 'mark'), mark);
    chownSync(join(directory, 'data/deep/file'), 1000, 1000);
    chownSync(join(directory, 'data'), 1000, 1000);
    return sampleImage([tarLayer(directory)], {
      config: { Env: ['PATH=/bin', 'FROM=image'], Cmd: ['echo', 'the image says so'], Labels: { from: 'image' } },
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** A control group's file of a container, on a machine with cgroup v1. */
export const cgroupFile = ({ scope }: CreateRig, controller: string, id: string, file: string): string =>
  readFileSync(`/sys/fs/cgroup/${controller}/${scope.namespace}/${id}/${file}`, 'utf8').trim();
