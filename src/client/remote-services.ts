import type { ContainerStore } from '#core/containers/containers';
import type { ContentStore } from '#core/content/content';
import type { Differ } from '#core/diff/diff';
import type { ContainerSummaries } from '#core/engine/container-summary';
import type { WhyKept } from '#core/gc/why';
import type { Introspection } from '#core/introspection/introspection';
import type { MountManager } from '#core/mounts/mounts';
import type { NamespaceStore } from '#core/namespaces/namespaces';
import type { Networks } from '#core/networks/networks';
import type { Tasks } from '#core/runtime/tasks';
import type { SandboxController } from '#core/sandboxes/controller';
import type { SandboxStore } from '#core/sandboxes/sandboxes';
import type { ContainerFiles } from '#core/transfer/container-files';
import type { Transfer } from '#core/transfer/transfer';
import type { RemoteImages } from '#rpc/images/client';
import type { RemoteLeases } from '#rpc/leases/client';
import type { Transport } from '#rpc/transport';
import { lazyService } from './lazy-service.ts';

/** The services of a daemon as a `Client` has them: none is loaded before its first call. */

export const content = (transport: Transport): ContentStore =>
  lazyService(async () => (await import('#rpc/content/client')).remoteContent(transport), {
    info: 'promise',
    update: 'promise',
    walk: 'stream',
    delete: 'promise',
    open: 'promise',
    status: 'promise',
    statuses: 'promise',
    writer: 'promise',
    abort: 'promise',
  });

const crud = { get: 'promise', list: 'promise', create: 'promise', update: 'promise', delete: 'promise' } as const;

export const images = (transport: Transport): RemoteImages =>
  lazyService(async () => (await import('#rpc/images/client')).remoteImages(transport), crud);

export const containers = (transport: Transport): ContainerStore =>
  lazyService(async () => (await import('#rpc/containers/client')).remoteContainers(transport), crud);

export const sandboxes = (transport: Transport): SandboxStore =>
  lazyService(async () => (await import('#rpc/sandboxes/store-client')).remoteSandboxStore(transport), crud);

export const namespaces = (transport: Transport): NamespaceStore =>
  lazyService(async () => (await import('#rpc/namespaces/client')).remoteNamespaces(transport), crud);

export const networks = (transport: Transport): Networks =>
  lazyService(async () => (await import('#rpc/networks/client')).remoteNetworks(transport), {
    connect: 'promise',
    disconnect: 'promise',
    state: 'promise',
  });

export const leases = (transport: Transport): RemoteLeases =>
  lazyService(async () => (await import('#rpc/leases/client')).remoteLeases(transport), {
    create: 'promise',
    delete: 'promise',
    list: 'promise',
    addResource: 'promise',
    deleteResource: 'promise',
    listResources: 'promise',
  });

export const tasks = (transport: Transport): Tasks =>
  lazyService(async () => (await import('#rpc/tasks/client')).remoteTasks(transport), {
    create: 'promise',
    start: 'promise',
    delete: 'promise',
    deleteProcess: 'promise',
    state: 'promise',
    list: 'promise',
    kill: 'promise',
    exec: 'promise',
    resizePty: 'promise',
    closeIo: 'promise',
    pause: 'promise',
    resume: 'promise',
    pids: 'promise',
    update: 'promise',
    wait: 'promise',
    checkpoint: 'promise',
    metrics: 'promise',
  });

export const differ = (transport: Transport): Differ =>
  lazyService(async () => (await import('#rpc/diff/client')).remoteDiffer(transport), {
    apply: 'promise',
    compare: 'promise',
  });

export const introspection = (transport: Transport): Introspection =>
  lazyService(async () => (await import('#rpc/introspection/client')).remoteIntrospection(transport), {
    plugins: 'promise',
    server: 'promise',
    plugin: 'promise',
  });

export const mounts = (transport: Transport): MountManager =>
  lazyService(async () => (await import('#rpc/mounts/client')).remoteMounts(transport), {
    activate: 'promise',
    deactivate: 'promise',
    info: 'promise',
    update: 'promise',
    list: 'promise',
  });

export const kept = (transport: Transport): WhyKept =>
  lazyService(async () => (await import('#rpc/gc/client')).remoteGc(transport), { why: 'promise' });

export const summaries = (transport: Transport): ContainerSummaries =>
  lazyService(async () => (await import('#rpc/engine/client')).remoteSummaries(transport), { list: 'promise' });

export const files = (transport: Transport): ContainerFiles =>
  lazyService(async () => (await import('#rpc/transfer/container-files')).remoteContainerFiles(transport), {
    read: 'stream',
    write: 'promise',
  });

export const sandboxController = (transport: Transport, sandboxer: string): SandboxController =>
  lazyService(
    async () => (await import('#rpc/sandboxes/controller-client')).remoteSandboxController(transport, sandboxer),
    {
      create: 'promise',
      start: 'promise',
      platform: 'promise',
      stop: 'promise',
      wait: 'promise',
      status: 'promise',
      shutdown: 'promise',
      metrics: 'promise',
      update: 'promise',
    },
  );

/** Transfers, whoever performs them. */
export const lazyTransfer = (load: () => Promise<Transfer>): Transfer =>
  lazyService(load, { pull: 'promise', push: 'promise', import: 'promise', tag: 'promise', export: 'stream' });

export const transfer = (transport: Transport): Transfer =>
  lazyTransfer(async () => (await import('#rpc/transfer/client')).remoteTransfer(transport));
