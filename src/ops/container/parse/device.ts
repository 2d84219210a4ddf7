import { invalidArgument } from '#base/errors';
import { isQualifiedName } from '#lib/cdi/device-name';
import type { DeviceRule } from '#lib/oci/spec/spec';
import { splitFields } from './csv.ts';
import { parseSize } from './size.ts';

export type { DeviceRule };

/** A device of the host at a place in the container, or one that CDI describes. */
export type DeviceRequest =
  | { readonly cdi: string }
  | { readonly source: string; readonly target: string; readonly access: string };

/** Bytes or operations a second. */
export interface DeviceRate {
  readonly path: string;
  readonly rate: number;
}

export interface DeviceWeight {
  readonly path: string;
  readonly weight: number;
}

/** GPUs by number, by name, or (-1) all. */
export interface GpuRequest {
  readonly count: number;
  readonly devices: readonly string[];
  readonly driver: string;
  readonly capabilities: readonly string[];
  readonly options: Readonly<Record<string, string>>;
}

const isAccess = (text: string) => /^[rwm]{1,3}$/.test(text) && new Set(text).size === text.length;

/** Reads `/dev/a`, `/dev/a:/dev/b`, `/dev/a:rw`, `/dev/a:/dev/b:rwm`, `vendor/class=name`. @throws invalid_argument in docker's words */
export function parseDevice(text: string): DeviceRequest {
  if (isQualifiedName(text)) return { cdi: text };
  const [source = '', second, third, ...rest] = text.split(':');
  if (source === '' || rest.length > 0) throw invalidArgument(`bad format for path: ${text}`);
  if (third !== undefined && !isAccess(third)) throw invalidArgument(`bad mode specified: ${third}`);
  if (second === undefined) return { source, target: source, access: 'rwm' };
  if (third === undefined && isAccess(second)) return { source, target: source, access: second };
  if (!second.startsWith('/')) throw invalidArgument(`${second} is not an absolute path`);
  return { source, target: second, access: third ?? 'rwm' };
}

/** Reads `c 1:3 rwm`, with `*` for any number. @throws invalid_argument in docker's words */
export function parseDeviceRule(text: string): DeviceRule {
  const [, type, major = '', minor = '', access = ''] = /^([acb]) (\d+|\*):(\d+|\*) ([rwm]{1,3})$/.exec(text) ?? [];
  if (type === undefined || !isAccess(access)) throw invalidArgument(`invalid device cgroup format '${text}'`);
  return {
    allow: true,
    type,
    ...(major !== '*' && { major: Number(major) }),
    ...(minor !== '*' && { minor: Number(minor) }),
    access,
  };
}

/** Reads `/dev/sda:1mb`. @throws invalid_argument in docker's words */
export function parseBps(text: string): DeviceRate {
  const [path, rest] = splitDevice(text);
  const format =
    '<device-path>:<number>[<unit>]. Number must be a positive integer. Unit is optional and can be kb, mb, or gb';
  try {
    return { path, rate: parseSize(rest) };
  } catch (cause) {
    throw invalidArgument(`invalid rate for device: ${text}. The correct format is ${format}`, cause);
  }
}

/** Reads `/dev/sda:1000`. @throws invalid_argument in docker's words */
export function parseIops(text: string): DeviceRate {
  const [path, rest] = splitDevice(text);
  const rate = Number(rest);
  if (!/^\d+$/.test(rest) || !Number.isSafeInteger(rate))
    throw invalidArgument(
      `invalid rate for device: ${text}. The correct format is <device-path>:<number>. Number must be a positive integer`,
    );
  return { path, rate };
}

/** Reads `/dev/sda:500`. @throws invalid_argument in docker's words */
export function parseWeight(text: string): DeviceWeight {
  const [path, rest] = splitDevice(text);
  const weight = Number(rest);
  if (!/^\d+$/.test(rest) || (weight !== 0 && (weight < 10 || weight > 1000)))
    throw invalidArgument(`invalid weight for device: ${text}`);
  return { path, weight };
}

function splitDevice(text: string): readonly [string, string] {
  const [path = '', rest, ...more] = text.split(':');
  if (path === '' || rest === undefined || more.length > 0) throw invalidArgument(`bad format: ${text}`);
  if (!path.startsWith('/dev/')) throw invalidArgument(`bad format for device path: ${text}`);
  return [path, rest];
}

/** Reads `all`, `2`, `device=0`, `"device=0,1"`, `count=1,capabilities=utility`. @throws invalid_argument in docker's words */
export function parseGpus(text: string): GpuRequest {
  let request: GpuRequest = { count: 0, devices: [], driver: '', capabilities: ['gpu'], options: {} };
  const seen = new Set<string>();
  for (const field of splitFields(text)) {
    const equals = field.indexOf('=');
    const [key, value] = equals < 0 ? ['count', field] : [field.slice(0, equals), field.slice(equals + 1)];
    if (seen.has(key)) throw invalidArgument(`gpu request key '${key}' can be specified only once`);
    seen.add(key);
    if (key === 'count') request = { ...request, count: gpuCount(value) };
    else if (key === 'driver') request = { ...request, driver: value };
    else if (key === 'device') request = { ...request, devices: value.split(',') };
    else if (key === 'capabilities') request = { ...request, capabilities: [...value.split(','), 'gpu'] };
    else if (key === 'options')
      request = { ...request, options: Object.fromEntries(value.split(',').map((one) => one.split('=', 2))) };
    else throw invalidArgument(`unexpected key '${key}' in '${field}'`);
  }
  if (seen.has('count') && seen.has('device'))
    throw invalidArgument('cannot set both Count and DeviceIDs on device request');
  return seen.has('count') || seen.has('device') ? request : { ...request, count: 1 };
}

function gpuCount(text: string): number {
  if (text === 'all') return -1;
  if (/^-?\d+$/.test(text)) return Number(text);
  throw invalidArgument(`invalid count (${text}): value must be either "all" or an integer`);
}
