import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { isFault } from '#base/errors';
import { deleteTaskIfThere } from '#client/task';
import { nerdctl } from '#cmd/nerdctl/program';
import type { Container } from '#core/containers/containers';
import { type ContainerSettings, packSettings, settingsKey } from '#core/engine/container-settings';
import { layoutFor } from '#core/engine/layout';
import type { Labels } from '#core/labels';
import { attachStdin, formatLogUri } from '#lib/log-uri';
import type { Spec } from '#lib/oci/spec/spec';
import { type BusyboxDaemon, startBusyboxDaemon } from '#test/support/busybox-daemon';
import { makeContainer } from '#test/support/containers';
import type { TestDaemonOptions } from '#test/support/daemon';
import { type ProgramInput, type Ran, runProgramForTest } from '#test/support/run-program';

/** What a test's container is to be besides its command. */
export interface Wanted
  extends Partial<Pick<ContainerSettings, 'autoRemove' | 'health' | 'stopTimeout' | 'anonymousVolumes'>> {
  readonly tty?: boolean;
  readonly interactive?: boolean;
  readonly restart?: string;
  readonly labels?: Labels;
  readonly spec?: (spec: Spec) => Spec;
}

/** A daemon with busybox, containers as `nerdctl create` records them, and nerdctl itself, run in this process. */
export interface LifeRig extends AsyncDisposable, Pick<BusyboxDaemon, 'daemon' | 'client' | 'scope'> {
  readonly dataRoot: string;
  /** Makes a container; the id is random. */
  make(name: string, args: readonly string[], wanted?: Wanted): Promise<Container>;
  nerdctl(words: readonly string[], input?: ProgramInput): Promise<Ran>;
  /** What goes before the words on a command line of its own. */
  readonly flags: readonly string[];
  stateDir(id: string): string;
}

export async function startLifeRig(options: TestDaemonOptions = {}): Promise<LifeRig> {
  const busybox = await startBusyboxDaemon(options);
  const { daemon, client, scope } = busybox;
  const dataRoot = join(daemon.directory, 'nerdctl');
  const layout = layoutFor(dataRoot, daemon.address);
  const flags = ['--address', daemon.address, '--namespace', scope.namespace, '--data-root', dataRoot];
  const stateDir = (id: string) => layout.container(scope.namespace, id);
  const make = async (name: string, args: readonly string[], wanted: Wanted = {}): Promise<Container> => {
    const id = randomBytes(32).toString('hex');
    const {
      tty = false,
      interactive = false,
      restart,
      labels = {},
      spec: change = (spec) => spec,
      ...settings
    } = wanted;
    const bare = await makeContainer(client, scope, id, {
      top: busybox.top,
      args,
      spec: (spec) => {
        const process = { ...spec.process, terminal: tty, user: { uid: 0, gid: 0 }, cwd: '/', args };
        return change({ ...spec, process });
      },
    });
    for (const directory of [stateDir(id), layout.names(scope.namespace)]) mkdirSync(directory, { recursive: true });
    writeFileSync(join(layout.names(scope.namespace), name), id);
    const logPath = join(stateDir(id), `${id}-json.log`);
    const attach = join(daemon.state, `${id.slice(0, 12)}.attach`);
    const uri = formatLogUri({
      driver: 'json-file',
      attach,
      options: { path: logPath, ...(interactive && { 'stdin-once': 'true' }) },
    });
    const streams = {
      ...{ terminal: tty, openStdin: interactive, stdinOnce: interactive },
      ...{ stdin: interactive ? attachStdin(attach) : '', stdout: uri, stderr: uri },
      ...{ logDriver: 'json-file', logOptions: {}, logPath },
    };
    const packed = packSettings({
      ...{ name, stateDir: stateDir(id), dataStore: layout.store, hostname: id.slice(0, 12), domainname: '' },
      ...{ autoRemove: false, stopSignal: 'SIGTERM', stopTimeout: 10, anonymousVolumes: [], mounts: [] },
      ...{ config: { Image: 'busybox', Labels: labels }, hostConfig: {}, streams },
      network: {
        mode: 'none',
        target: '',
        attachments: [],
        ports: [],
        dns: { servers: [], search: [], options: [] },
        extraHosts: [],
      },
      ...settings,
    });
    const restartLabels =
      restart === undefined
        ? {}
        : { 'containerd.io/restart.policy': restart, 'containerd.io/restart.status': 'created' };
    return await client.containers.update(
      scope,
      {
        ...bare,
        image: 'busybox',
        labels: { 'nerdctl/name': name, ...restartLabels, ...labels },
        extensions: { [settingsKey]: packed },
      },
      ['labels', 'image', 'extensions'],
    );
  };
  return {
    ...{ daemon, client, scope, dataRoot, make, flags, stateDir },
    nerdctl: (words, input) => runProgramForTest(nerdctl, [...flags, ...words], input),
    [Symbol.asyncDispose]: async () => {
      try {
        for (const { id } of await client.containers.list(scope)) {
          const { labels } = await client.containers.get(scope, id);
          if (labels['containerd.io/restart.policy'] !== undefined)
            await runProgramForTest(nerdctl, [...flags, 'rm', '-f', id]);
          else await deleteTaskIfThere(client, scope, id, 'kill');
        }
      } finally {
        await busybox[Symbol.asyncDispose]();
      }
    },
  };
}

/** Waits until it holds; a daemon that is not there yet is waited for, too. @throws after a while, with the last that `look` gave */
export async function eventually<T>(
  look: () => Promise<T>,
  holds: (seen: T) => boolean,
  timeoutMs = 120_000,
): Promise<T> {
  let last: unknown;
  for (const end = Date.now() + timeoutMs; Date.now() < end; await wait(25)) {
    try {
      const seen = await look();
      if (holds(seen)) return seen;
      last = seen;
    } catch (thrown) {
      if (!isFault(thrown, 'unavailable')) throw thrown;
      last = thrown;
    }
  }
  throw new Error(`still ${JSON.stringify(last)} after ${timeoutMs / 1000} s`);
}
