import { listContainers } from '../container/list.ts';
import { containerSize } from '../container/size.ts';
import type { Engine } from '../engine.ts';
import { Filters } from '../filters.ts';
import { type ImageSummary, listImages } from '../image/list.ts';
import { listVolumesBy } from '../volume/list.ts';
import { volumeUsers } from '../volume/usage.ts';

export interface UsedPart {
  readonly name: string;
  readonly size: number;
  /** A container has it, or, for a container, it runs. */
  readonly active: boolean;
}

/** What takes room, in bytes. Images that have the same digest count once. Takes time with the number of files. */
export interface DiskUsage {
  readonly images: readonly UsedPart[];
  readonly containers: readonly UsedPart[];
  readonly volumes: readonly UsedPart[];
}

export async function diskUsage(engine: Engine): Promise<DiskUsage> {
  const { client, scope } = engine;
  const [images, containers, volumes, users] = await Promise.all([
    listImages(engine),
    listContainers(engine, { all: true }),
    listVolumesBy(engine, new Filters(new Map()), { sizes: true }),
    volumeUsers(engine),
  ]);
  const records = new Map((await client.containers.list(scope)).map((one) => [one.id, one]));
  const used = new Set([...records.values()].map(({ image }) => image));
  return {
    images: distinct(images).map(({ id, size }) => ({
      ...{ name: id, size },
      active: images.some((one) => one.id === id && used.has(one.image.name)),
    })),
    containers: await Promise.all(
      containers.map(async ({ id, name, state }) => {
        const record = records.get(id);
        const size = record === undefined ? 0 : (await containerSize(engine, record)).own;
        return { name: name || id, size, active: state === 'running' || state === 'paused' };
      }),
    ),
    volumes: volumes.map(({ name, sizeBytes = 0 }) => ({ name, size: sizeBytes, active: users.has(name) })),
  };
}

const distinct = (images: readonly ImageSummary[]): readonly ImageSummary[] => [
  ...new Map(images.map((image) => [image.id, image])).values(),
];
