import { invalidArgument } from '#base/errors';
import { type Digest, digestOf } from '../digest.ts';
import type { Platform } from '../platform.ts';
import { parseBoundedJson } from './bounded-json.ts';
import { readPlatform } from './descriptor.ts';
import { Fields } from './fields.ts';

/** What an image says about running it. Absent and empty lists differ: an empty entrypoint is one that was taken away. */
export interface RunConfig {
  readonly user: string;
  readonly env: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly cmd?: readonly string[];
  readonly workingDir: string;
  readonly exposedPorts: readonly string[];
  readonly volumes: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly stopSignal: string;
  readonly shell?: readonly string[];
  readonly healthcheck?: ImageHealthcheck;
}

/** docker's HEALTHCHECK; times in nanoseconds, 0 where the image leaves them open. */
export interface ImageHealthcheck {
  readonly test: readonly string[];
  readonly interval: number;
  readonly timeout: number;
  readonly startPeriod: number;
  readonly startInterval: number;
  readonly retries: number;
}

export interface HistoryEntry {
  readonly created?: string;
  readonly createdBy?: string;
  readonly author?: string;
  readonly comment?: string;
  readonly emptyLayer?: boolean;
}

export interface ImageConfig {
  readonly platform: Platform;
  readonly created?: string;
  readonly author?: string;
  readonly config: RunConfig;
  /** The digests of the layers' tars, uncompressed, from the bottom. */
  readonly diffIds: readonly Digest[];
  readonly history: readonly HistoryEntry[];
}

/** Bigger than any that builders make; a configuration is held in memory whole. */
export const maxConfigBytes = 8 << 20;

/**
 * Reads an image's configuration, OCI's or docker's.
 *
 * @throws invalid_argument when it is bigger or deeper than allowed, malformed, or its root filesystem is not made of layers.
 */
export function decodeImageConfig(bytes: Uint8Array, maxBytes = maxConfigBytes): ImageConfig {
  const fields = new Fields(parseBoundedJson(bytes, { maxBytes }), 'config');
  const rootfs = fields.object('rootfs');
  const type = rootfs?.text('type') ?? 'layers';
  if (type !== 'layers')
    throw invalidArgument(`config.rootfs.type: ${JSON.stringify(type.slice(0, 64))}, wanted "layers"`);
  const created = fields.text('created');
  const author = fields.text('author');
  return {
    platform: readPlatform(fields),
    ...(created && { created }),
    ...(author && { author }),
    config: readRunConfig(fields.object('config')),
    diffIds: rootfs?.list('diff_ids', maxLayers).map((value, i) => rootfs.digest(value, `diff_ids[${i}]`)) ?? [],
    history: fields.objects('history', maxHistory).map(readHistory),
  };
}

/**
 * The name of the stack of layers up to each one: the first is the layer's own diff id, each further one the digest of the name below and its diff id.
 * Takes time linear in their number.
 */
export function chainIds(diffIds: readonly Digest[]): readonly Digest[] {
  const chain: Digest[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push(below === undefined ? diffId : digestOf(`${below} ${diffId}`));
  }
  return chain;
}

/**
 * The name of the whole stack.
 *
 * @throws invalid_argument when there are no layers.
 */
export function chainId(diffIds: readonly Digest[]): Digest {
  const last = chainIds(diffIds).at(-1);
  if (last === undefined) throw invalidArgument('chain id of an image without layers');
  return last;
}

const maxLayers = 1024;
const maxHistory = 8192;
const maxEntries = 65_536;

function readRunConfig(fields: Fields | undefined): RunConfig {
  const entrypoint = fields?.texts('Entrypoint', maxEntries);
  const cmd = fields?.texts('Cmd', maxEntries);
  const shell = fields?.texts('Shell', maxEntries);
  return {
    user: fields?.text('User') ?? '',
    env: fields?.texts('Env', maxEntries) ?? [],
    ...(entrypoint && { entrypoint }),
    ...(cmd && { cmd }),
    workingDir: fields?.text('WorkingDir') ?? '',
    exposedPorts: fields?.object('ExposedPorts')?.keys ?? [],
    volumes: fields?.object('Volumes')?.keys ?? [],
    labels: fields?.map('Labels') ?? {},
    stopSignal: fields?.text('StopSignal') ?? '',
    ...(shell && { shell }),
    ...readHealthcheck(fields?.object('Healthcheck')),
  };
}

function readHealthcheck(fields: Fields | undefined): Pick<RunConfig, 'healthcheck'> {
  const test = fields?.texts('Test', maxEntries) ?? [];
  if (fields === undefined || test.length === 0) return {};
  const count = (key: string) => fields.count(key) ?? 0;
  return {
    healthcheck: {
      test,
      interval: count('Interval'),
      timeout: count('Timeout'),
      startPeriod: count('StartPeriod'),
      startInterval: count('StartInterval'),
      retries: count('Retries'),
    },
  };
}

function readHistory(fields: Fields): HistoryEntry {
  const created = fields.text('created');
  const createdBy = fields.text('created_by');
  const author = fields.text('author');
  const comment = fields.text('comment');
  const emptyLayer = fields.boolean('empty_layer');
  return {
    ...(created && { created }),
    ...(createdBy && { createdBy }),
    ...(author && { author }),
    ...(comment && { comment }),
    ...(emptyLayer && { emptyLayer }),
  };
}
