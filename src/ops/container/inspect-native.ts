import type { Any } from '#base/any';
import { formatTimestamp } from '#base/timestamp';
import type { Container } from '#core/containers/containers';
import { specOf } from '#core/engine/command-line';
import { settingsOf } from '#core/engine/container-settings';
import { readNetworkState } from '#core/engine/network-state';
import type { Engine } from '../engine.ts';
import { taskOf } from './task-state.ts';

/** What the daemon keeps of a container, with the names that containerd's nerdctl gives it; payloads that are JSON as what they say. */
export async function nativeContainer(
  engine: Engine,
  container: Container,
): Promise<Readonly<Record<string, unknown>>> {
  const task = await taskOf(engine, container.id);
  const settings = settingsOf(container);
  const network = settings === undefined ? undefined : await readNetworkState(settings.stateDir);
  return {
    ID: container.id,
    Labels: container.labels,
    Image: container.image,
    Runtime: {
      Name: container.runtime.name,
      Options: container.runtime.options === undefined ? null : payload(container.runtime.options),
    },
    SnapshotKey: container.snapshotKey,
    Snapshotter: container.snapshotter,
    CreatedAt: formatTimestamp(container.createdAt),
    UpdatedAt: formatTimestamp(container.updatedAt),
    Extensions: Object.fromEntries(Object.entries(container.extensions).map(([name, any]) => [name, payload(any)])),
    SandboxID: container.sandboxId,
    Spec: specOf(container),
    ...(task !== undefined && {
      Process: {
        Pid: task.pid,
        Status: {
          Status: task.status,
          ExitStatus: task.exitStatus,
          ExitTime: task.exitedAt === undefined ? '0001-01-01T00:00:00Z' : formatTimestamp(task.exitedAt),
        },
        NetNS: { Path: network?.netns ?? '', Interfaces: network?.interfaces ?? [] },
      },
    }),
  };
}

function payload({ typeUrl, value }: Any): unknown {
  const text = Buffer.from(value).toString();
  if (text.startsWith('{')) {
    try {
      return { type_url: typeUrl, value: JSON.parse(text) as unknown };
    } catch {} // bytes that only begin like JSON
  }
  return { type_url: typeUrl, value: Buffer.from(value).toString('base64') };
}
