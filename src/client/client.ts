import { silent } from '#base/log';
import { formatTimestamp, fromMillis } from '#base/timestamp';
import type { ContainerStore } from '#core/containers/containers';
import type { ContentStore } from '#core/content/content';
import type { Differ } from '#core/diff/diff';
import type { ContainerSummaries } from '#core/engine/container-summary';
import type { Events } from '#core/events/events';
import type { WhyKept } from '#core/gc/why';
import type { Introspection } from '#core/introspection/introspection';
import type { MountManager } from '#core/mounts/mounts';
import type { NamespaceStore } from '#core/namespaces/namespaces';
import type { Networks } from '#core/networks/networks';
import type { Tasks } from '#core/runtime/tasks';
import { defaultSandboxer, type SandboxController, sandboxerLabel } from '#core/sandboxes/controller';
import type { SandboxStore } from '#core/sandboxes/sandboxes';
import type { Scope } from '#core/scope';
import type { Snapshotter } from '#core/snapshots/snapshotter';
import type { ContainerFiles } from '#core/transfer/container-files';
import type { Transfer } from '#core/transfer/transfer';
import { remoteEvents } from '#rpc/events/client';
import type { RemoteImages } from '#rpc/images/client';
import type { RemoteLeases } from '#rpc/leases/client';
import { type ClientTls, openTransport, type Transport } from '#rpc/transport';
import * as remote from './remote-services.ts';

/**
 * A daemon, Berth's or containerd's, as a program uses it. The stores are those of `src/core`, with the promises written there.
 * Nothing is connected until the first call, and the code of a service is imported with its first; a lost connection is made anew by the next one.
 */
export interface Client extends AsyncDisposable {
  readonly content: ContentStore;
  readonly images: RemoteImages;
  readonly containers: ContainerStore;
  /** Records of sandboxes; `./sandbox.ts` is the comfortable face. */
  readonly sandboxes: SandboxStore;
  readonly leases: RemoteLeases;
  readonly namespaces: NamespaceStore;
  readonly tasks: Tasks;
  readonly events: Events;
  readonly differ: Differ;
  readonly introspection: Introspection;
  /** Copies files out of and into containers. */
  readonly files: ContainerFiles;
  /** Mounts that the daemon makes. */
  readonly mounts: MountManager;
  /** What the daemon itself moves between registries, archives and its stores; `./transfer.ts` is the comfortable face. */
  readonly transfer: Transfer;
  /** The same, performed by this process, for which every daemon will do. */
  readonly localTransfer: Transfer;
  /** Who performs transfers: this process or the daemon, as asked for; without a wish the daemon, where it can. Asks the daemon once. */
  transferBy(performer?: Performer): Promise<Transfer>;
  /** Why things are kept: Berth's own, `not_implemented` elsewhere. */
  readonly kept: WhyKept;
  /** Containers in networks: Berth's own, `not_implemented` elsewhere. */
  readonly networks: Networks;
  /** What lists show of containers, in one call: Berth's own, `not_implemented` elsewhere. */
  readonly summaries: ContainerSummaries;
  /** For services that have no face here. */
  readonly transport: Transport;
  version(signal: AbortSignal): Promise<{ readonly version: string; readonly revision: string }>;
  /** A snapshotter by name; with an empty one, what the namespace's labels or else the daemon's custom say. */
  snapshotter(scope: Scope, name: string): Promise<Snapshotter>;
  snapshotterName(scope: Scope, name: string): Promise<string>;
  /** What runs sandboxes, by name. */
  sandboxController(sandboxer: string): SandboxController;
  /** The name, or for an empty one what the namespace's labels or else custom say. */
  sandboxerName(scope: Scope, name: string): Promise<string>;
  /** A runtime by name; with an empty one, what the namespace's labels or else custom say. */
  runtimeName(scope: Scope, name: string): Promise<string>;
  /** A lease for the work until it is disposed, and the scope that puts everything made into it. It expires by itself after a day. */
  lease(scope: Scope): Promise<AsyncDisposable & { readonly id: string; readonly scope: Scope }>;
}

export type Performer = 'client' | 'daemon';

export interface ClientOptions {
  readonly tls?: ClientTls;
  /** Names the proxies for registries; absent: the process's own. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

export const defaultAddress = '/run/containerd/containerd.sock';

/** @throws invalid_argument for a malformed address; whether somebody listens shows with the first call (unavailable, with the address) */
export function openClient(address: string = defaultAddress, options: ClientOptions = {}): Client {
  const transport = openTransport(address, options.tls);
  const namespaces = remote.namespaces(transport);
  const leases = remote.leases(transport);
  const byLabel = async (scope: Scope, what: 'snapshotter' | 'runtime', otherwise: string) =>
    (await namespaces.get(scope.namespace)).labels[`containerd.io/defaults/${what}`] || otherwise;
  const snapshotterName = async (scope: Scope, name: string) => name || byLabel(scope, 'snapshotter', 'overlayfs');
  const stores = {
    content: remote.content(transport),
    images: remote.images(transport),
    leases,
    namespaces,
    differ: remote.differ(transport),
    transport,
  };
  const introspection = remote.introspection(transport);
  const held = new DisposableStack();
  const local = remote.lazyTransfer(async () => {
    const { clientRegistries, localTransfer } = await import('./local-transfer.ts');
    const registries = held.use(clientRegistries(options.environment ?? process.env, silent));
    return localTransfer(stores, registries, silent);
  });
  const performers = { client: local, daemon: remote.transfer(transport) };
  let usual: Promise<Performer> | undefined;
  return {
    ...stores,
    containers: remote.containers(transport),
    sandboxes: remote.sandboxes(transport),
    tasks: remote.tasks(transport),
    // Here at once: who subscribes and then acts wants to hear of what he did.
    events: remoteEvents(transport),
    introspection,
    files: remote.files(transport),
    mounts: remote.mounts(transport),
    kept: remote.kept(transport),
    summaries: remote.summaries(transport),
    networks: remote.networks(transport),
    transfer: performers.daemon,
    localTransfer: performers.client,
    transferBy: async (performer) => {
      if (performer !== undefined) return performers[performer];
      usual ??= usualPerformer(introspection);
      return performers[await usual];
    },
    version: async (signal) => (await import('#rpc/version/client')).remoteVersion(transport, { signal }),
    snapshotterName,
    sandboxController: (sandboxer) => remote.sandboxController(transport, sandboxer),
    sandboxerName: async (scope, name) =>
      name || (await namespaces.get(scope.namespace)).labels[sandboxerLabel] || defaultSandboxer,
    runtimeName: async (scope, name) => name || byLabel(scope, 'runtime', 'io.containerd.runc.v2'),
    snapshotter: async (scope, name) => {
      const { remoteSnapshotter } = await import('#rpc/snapshots/client');
      return remoteSnapshotter(transport, await snapshotterName(scope, name));
    },
    lease: async (scope) => {
      const expire = formatTimestamp(fromMillis(Date.now() + dayMs)).replace(/\.\d+Z$/, 'Z');
      const { id } = await leases.create(scope, { id: '', labels: { 'containerd.io/gc.expire': expire } });
      // The work may have been cut short: the lease must go all the same.
      const detached = { namespace: scope.namespace, signal: AbortSignal.timeout(10_000) };
      return { id, scope: { ...scope, lease: id }, [Symbol.asyncDispose]: () => leases.delete(detached, id) };
    },
    [Symbol.asyncDispose]: async () => {
      held.dispose();
      transport[Symbol.dispose]();
    },
  };
}

/** A transfer needs both services: the call, and the streams for its progress and its questions. */
async function usualPerformer(introspection: Introspection): Promise<Performer> {
  const needed = ['transfer', 'streaming'];
  const found = await introspection.plugins(needed.map((id) => `type==io.containerd.grpc.v1,id==${id}`));
  const working = new Set(found.filter(({ initError }) => initError === undefined).map(({ id }) => id));
  return needed.every((id) => working.has(id)) ? 'daemon' : 'client';
}

const dayMs = 86_400_000;
