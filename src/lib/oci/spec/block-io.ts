import { invalidArgument } from '#base/errors';
import type { BlockIo } from './spec.ts';

/** One entry of a class: limits for some devices, or, without devices, a weight for all. */
interface Entry {
  readonly devices: readonly string[];
  /** Weights and rates, by the name they have in the file. */
  readonly values: Readonly<Record<string, number>>;
}

/** Finds the disks that a pattern of paths names. */
export type FindDisks = (pattern: string) => readonly { readonly major: number; readonly minor: number }[];

const rates = {
  ThrottleReadBps: 'throttleReadBpsDevice',
  ThrottleWriteBps: 'throttleWriteBpsDevice',
  ThrottleReadIOPS: 'throttleReadIOPSDevice',
  ThrottleWriteIOPS: 'throttleWriteIOPSDevice',
} as const;

/** Reads the classes of a block I/O configuration, as Intel's goresctrl has it. @throws invalid_argument naming the field */
export function parseBlockIoClasses(document: unknown): ReadonlyMap<string, readonly Entry[]> {
  const classes = (document as { readonly Classes?: unknown } | null)?.Classes;
  if (typeof classes !== 'object' || classes === null) throw invalidArgument('Classes: missing');
  return new Map(
    Object.entries(classes).map(([name, entries]) => {
      if (!Array.isArray(entries)) throw invalidArgument(`Classes.${name}: not a list`);
      return [name, entries.map((entry, at) => entryOf(entry, `Classes.${name}[${at}]`))];
    }),
  );
}

/** A class as the runtime reads it. Later entries of a class win over earlier ones for the same disk. */
export function blockIoOf(entries: readonly Entry[], find: FindDisks): BlockIo {
  let result: BlockIo = {};
  const devices = new Map<string, Map<string, { major: number; minor: number; value: number }>>();
  for (const { devices: patterns, values } of entries) {
    const { Weight: weight, ...limits } = values;
    if (patterns.length === 0) {
      if (weight !== undefined) result = { ...result, weight };
      if (Object.keys(limits).length > 0) throw invalidArgument('rates are for devices: the entry names none');
      continue;
    }
    for (const { major, minor } of patterns.flatMap(find)) {
      for (const [name, value] of Object.entries(values)) {
        const ofName = devices.get(name) ?? new Map<string, { major: number; minor: number; value: number }>();
        devices.set(name, ofName.set(`${major}:${minor}`, { major, minor, value }));
      }
    }
  }
  const of = (name: string) => [...(devices.get(name)?.values() ?? [])];
  const weights = of('Weight').map(({ value, ...disk }) => ({ ...disk, weight: value }));
  if (weights.length > 0) result = { ...result, weightDevice: weights };
  for (const [name, key] of Object.entries(rates)) {
    const limited = of(name).map(({ value, ...disk }) => ({ ...disk, rate: value }));
    if (limited.length > 0) result = { ...result, [key]: limited };
  }
  return result;
}

function entryOf(entry: unknown, where: string): Entry {
  if (typeof entry !== 'object' || entry === null) throw invalidArgument(`${where}: not a table`);
  const { Devices: devices = [], ...rest } = entry as Readonly<Record<string, unknown>>;
  if (!Array.isArray(devices) || devices.some((one) => typeof one !== 'string'))
    throw invalidArgument(`${where}.Devices: not a list of paths`);
  const values = Object.entries(rest).map(([name, value]) => {
    if (name !== 'Weight' && !(name in rates)) throw invalidArgument(`${where}.${name}: no such field`);
    return [name, quantity(value, `${where}.${name}`, name === 'Weight' ? [10, 1000] : [0, Number.MAX_SAFE_INTEGER])];
  });
  return { devices: devices as readonly string[], values: Object.fromEntries(values) as Record<string, number> };
}

const units: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** A number with Kubernetes' units: `60M`, `2Gi`. */
function quantity(value: unknown, where: string, [least, most]: readonly [number, number]): number {
  const match = /^(\d+(?:\.\d+)?)([kMGT]i?|Ki)?$/.exec(String(value).trim());
  const number = match === null ? Number.NaN : Math.round(Number(match[1]) * (units[match[2] ?? ''] ?? Number.NaN));
  if (!(number >= least && number <= most))
    throw invalidArgument(`${where}: ${JSON.stringify(value)} is no number from ${least} to ${most}`);
  return number;
}
