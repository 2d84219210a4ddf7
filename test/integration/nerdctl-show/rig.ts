import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packSpec } from '#client/any-json';
import type { Client } from '#client/client';
import { nerdctl } from '#cmd/nerdctl/program';
import { type ContainerSettings, packSettings } from '#core/engine/container-settings';
import { layoutFor } from '#core/engine/layout';
import type { Scope } from '#core/scope';
import { defaultSpec } from '#lib/oci/spec/default-spec';
import { type Ran, runProgramForTest } from '#test/support/run-program';

/** A namespace of a daemon with a data root of its own, looked at through nerdctl. */
export interface ShowRig {
  readonly client: Client;
  readonly scope: Scope;
  readonly address: string;
  readonly dataRoot: string;
}

export const run = ({ address, scope, dataRoot }: ShowRig, ...argv: readonly string[]): Promise<Ran> =>
  runProgramForTest(nerdctl, ['-a', address, '-n', scope.namespace, '--data-root', dataRoot, ...argv]);

export interface Shown {
  readonly id: string;
  readonly name: string;
  readonly args?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly image?: string;
  readonly snapshotKey?: string;
  readonly settings?: Partial<ContainerSettings>;
  /** `lifecycle.json`. */
  readonly lifecycle?: Readonly<Record<string, unknown>>;
  readonly recordLabels?: Readonly<Record<string, string>>;
}

/** Changes the settings of one that is there. */
export async function change({ client, scope }: ShowRig, id: string, settings: ContainerSettings): Promise<void> {
  const container = await client.containers.get(scope, id);
  const extensions = { ...container.extensions, berth: packSettings(settings) };
  await client.containers.update(scope, { ...container, extensions }, ['extensions.berth']);
}

/** A container as `create` leaves it, without a task. */
export async function plant(rig: ShowRig, shown: Shown): Promise<ContainerSettings> {
  const { id, name, args = ['sleep', '1000'], labels = {}, image = 'docker.io/library/busybox:latest' } = shown;
  const layout = layoutFor(rig.dataRoot, rig.address);
  const stateDir = layout.container(rig.scope.namespace, id);
  mkdirSync(stateDir, { recursive: true });
  const settings: ContainerSettings = {
    name,
    stateDir,
    dataStore: layout.store,
    hostname: id.slice(0, 12),
    domainname: '',
    autoRemove: false,
    network: {
      ...{ mode: 'none', target: '', attachments: [], ports: [], extraHosts: [] },
      dns: { servers: [], search: [], options: [] },
    },
    streams: {
      ...{ terminal: false, openStdin: false, stdinOnce: false, stdin: '', stdout: '', stderr: '' },
      ...{ logDriver: 'json-file', logOptions: {}, logPath: join(stateDir, `${id}-json.log`) },
    },
    stopSignal: 'SIGTERM',
    stopTimeout: 10,
    anonymousVolumes: [],
    mounts: [],
    config: { Cmd: [...args], Image: image, Labels: { ...labels }, Env: ['PATH=/bin'] },
    hostConfig: { NetworkMode: 'none' },
    ...shown.settings,
  };
  if (shown.lifecycle !== undefined) writeFileSync(join(stateDir, 'lifecycle.json'), JSON.stringify(shown.lifecycle));
  const usual = defaultSpec(id, rig.scope.namespace);
  const process = { ...usual.process, user: { uid: 0, gid: 0 }, cwd: '/', args: [...args], env: ['PATH=/bin'] };
  const { snapshotKey = '' } = shown;
  await rig.client.containers.create(rig.scope, {
    ...{ id, image, snapshotKey, snapshotter: snapshotKey === '' ? '' : 'overlayfs', sandboxId: '' },
    runtime: { name: 'io.containerd.runc.v2' },
    labels: { ...labels, 'nerdctl/name': name, ...shown.recordLabels },
    spec: packSpec({ ...usual, process }),
    extensions: { berth: packSettings(settings) },
  });
  return settings;
}
