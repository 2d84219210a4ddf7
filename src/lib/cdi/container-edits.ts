import { invalidArgument } from '#base/errors';
import type { Fields } from '../oci/fields.ts';
import type { Hook, Hooks, IntelRdt } from '../oci/spec/spec.ts';

/** What a specification changes of a container, for one device or for all of its devices. */
export interface ContainerEdits {
  readonly env: readonly string[];
  readonly deviceNodes: readonly DeviceNode[];
  readonly mounts: readonly EditMount[];
  readonly hooks: readonly { readonly name: keyof Hooks; readonly hook: Hook }[];
  readonly additionalGids: readonly number[];
  readonly netDevices: readonly { readonly hostInterfaceName: string; readonly name: string }[];
  readonly intelRdt?: IntelRdt;
}

export interface DeviceNode {
  readonly path: string;
  readonly hostPath?: string;
  readonly type?: string;
  readonly major?: number;
  readonly minor?: number;
  readonly fileMode?: number;
  readonly permissions?: string;
  readonly uid?: number;
  readonly gid?: number;
}

export interface EditMount {
  readonly hostPath: string;
  readonly containerPath: string;
  readonly type?: string;
  readonly options?: readonly string[];
}

const most = 1024;
const maxId = 2 ** 32 - 1;
const hookNames: ReadonlySet<string> = new Set<keyof Hooks>([
  'prestart',
  'createRuntime',
  'createContainer',
  'startContainer',
  'poststart',
  'poststop',
]);

/** Reads `containerEdits`. @throws invalid_argument naming the field */
export function readEdits(fields: Fields): ContainerEdits {
  checkKnown(fields, [
    'env',
    'deviceNodes',
    'hooks',
    'mounts',
    'intelRdt',
    'additionalGids',
    'additionalGIDs',
    'netDevices',
  ]);
  const rdt = fields.object('intelRdt');
  const gids = fields.has('additionalGids') ? 'additionalGids' : 'additionalGIDs';
  return {
    env: (fields.texts('env', most) ?? []).map((text, at) => {
      if (/^[^=\0]+=[^\0]*$/.test(text)) return text;
      throw invalidArgument(`${fields.place}.env[${at}]: ${JSON.stringify(text.slice(0, 100))}: wanted NAME=value`);
    }),
    deviceNodes: fields.objects('deviceNodes', most).map(readDeviceNode),
    mounts: fields.objects('mounts', most).map(readMount),
    hooks: fields.objects('hooks', most).map(readHook),
    additionalGids: fields.list(gids, most).map((value, at) => {
      if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= maxId) return value;
      throw invalidArgument(`${fields.place}.${gids}[${at}]: wanted a group's number`);
    }),
    netDevices: readNetDevices(fields),
    ...(rdt !== undefined && { intelRdt: readIntelRdt(rdt) }),
  };
}

export const isEmpty = (edits: ContainerEdits): boolean =>
  edits.intelRdt === undefined &&
  [edits.env, edits.deviceNodes, edits.mounts, edits.hooks, edits.additionalGids, edits.netDevices].every(
    (list) => list.length === 0,
  );

/** Go's reader of these files is strict: a field that is spelt wrong would be a change that silently does not happen. */
export function checkKnown(fields: Fields, known: readonly string[]): void {
  const stray = fields.keys.find((key) => !known.includes(key));
  if (stray !== undefined) throw invalidArgument(`${fields.place}.${stray.slice(0, 64)}: unknown field`);
}

function readDeviceNode(fields: Fields): DeviceNode {
  checkKnown(fields, ['path', 'hostPath', 'type', 'major', 'minor', 'fileMode', 'permissions', 'uid', 'gid']);
  const type = fields.text('type') ?? '';
  if (!['', 'b', 'c', 'u', 'p'].includes(type)) throw invalidArgument(`${fields.place}.type: wanted b, c, u or p`);
  const permissions = fields.text('permissions') ?? '';
  if (!/^[rwm]*$/.test(permissions)) throw invalidArgument(`${fields.place}.permissions: wanted r, w and m`);
  return {
    path: absolute(fields, 'path'),
    ...(fields.text('hostPath') && { hostPath: absolute(fields, 'hostPath') }),
    ...(type !== '' && { type }),
    ...(permissions !== '' && { permissions }),
    ...numbers(fields, ['major', 'minor', 'fileMode', 'uid', 'gid']),
  };
}

function numbers<K extends string>(fields: Fields, keys: readonly K[]): Partial<Record<K, number>> {
  const found: Partial<Record<K, number>> = {};
  for (const key of keys) {
    const value = fields.count(key);
    if (value === undefined) continue;
    if (value > maxId) throw invalidArgument(`${fields.place}.${key}: too big`);
    found[key] = value;
  }
  return found;
}

function readMount(fields: Fields): EditMount {
  checkKnown(fields, ['hostPath', 'containerPath', 'options', 'type']);
  const type = fields.text('type') ?? '';
  const options = fields.texts('options', most);
  return {
    hostPath: fields.requiredText('hostPath'), // a file system's name, for types that have no path
    containerPath: absolute(fields, 'containerPath'),
    ...(type !== '' && { type }),
    ...(options !== undefined && { options }),
  };
}

function readHook(fields: Fields): ContainerEdits['hooks'][number] {
  checkKnown(fields, ['hookName', 'path', 'args', 'env', 'timeout']);
  const name = fields.requiredText('hookName');
  if (!hookNames.has(name))
    throw invalidArgument(`${fields.place}.hookName: ${JSON.stringify(name.slice(0, 64))}: no such hook`);
  const [args, env, timeout] = [fields.texts('args', most), fields.texts('env', most), fields.count('timeout')];
  const stray = env?.findIndex((text) => !/^[^=]+=/.test(text)) ?? -1;
  if (stray >= 0) throw invalidArgument(`${fields.place}.env[${stray}]: wanted NAME=value`);
  const hook = {
    path: absolute(fields, 'path'),
    ...(args !== undefined && { args }),
    ...(env !== undefined && { env }),
    ...(timeout !== undefined && { timeout }),
  };
  return { name: name as keyof Hooks, hook };
}

function readNetDevices(fields: Fields): ContainerEdits['netDevices'] {
  const found = fields.objects('netDevices', most).map((one) => {
    checkKnown(one, ['hostInterfaceName', 'name']);
    return { hostInterfaceName: one.requiredText('hostInterfaceName'), name: one.requiredText('name') };
  });
  for (const key of ['hostInterfaceName', 'name'] as const)
    if (new Set(found.map((one) => one[key])).size < found.length)
      throw invalidArgument(`${fields.place}.netDevices: ${key} given twice`);
  return found;
}

function readIntelRdt(fields: Fields): IntelRdt {
  const texts = ['closID', 'l3CacheSchema', 'memBwSchema'] as const;
  const flags = ['enableCMT', 'enableMBM', 'enableMonitoring'] as const;
  checkKnown(fields, [...texts, ...flags, 'schemata']);
  const schemata = fields.texts('schemata', most);
  const closID = fields.text('closID') ?? '';
  if (closID.length >= 4096 || closID === '.' || closID === '..' || /[/\n]/.test(closID))
    throw invalidArgument(`${fields.place}.closID: wanted a directory's name`);
  const named = texts.flatMap((key) => (fields.text(key) ? [[key, fields.text(key)] as const] : []));
  const flagged = flags.flatMap((key) =>
    fields.boolean(key) === undefined ? [] : [[key, fields.boolean(key)] as const],
  );
  return { ...Object.fromEntries([...named, ...flagged]), ...(schemata !== undefined && { schemata }) };
}

function absolute(fields: Fields, key: string): string {
  const path = fields.requiredText(key);
  if (path.startsWith('/') && !path.includes('\0')) return path;
  throw invalidArgument(`${fields.place}.${key}: ${JSON.stringify(path.slice(0, 100))}: wanted an absolute path`);
}
