import { goJson } from '../../go-json.ts';
import { type Json, parseBoundedJson } from '../bounded-json.ts';
import { Fields, type JsonObject } from '../fields.ts';
import type { Process, Spec } from './spec.ts';

/** The spec as containerd writes it: keys in the specification's order, nothing that is undefined. */
export const encodeSpec = (spec: Spec): Uint8Array => Buffer.from(goJson(inOrder(spec, specOrder) as Json));

/** The same for the process of an exec. */
export const encodeProcess = (process: Process): Uint8Array =>
  Buffer.from(goJson(inOrder(process, processOrder) as Json));

/**
 * Reads a `config.json`. Fields that Berth does not know stay in the result.
 *
 * @throws invalid_argument when it is longer than 8 MiB, deeper than allowed, no JSON, or its main parts are of the wrong kind.
 */
export function decodeSpec(bytes: Uint8Array): Spec {
  const json = parseBoundedJson(bytes, { maxBytes: maxSpecBytes });
  const fields = new Fields(json, 'spec');
  fields.requiredText('ociVersion');
  const process = fields.object('process');
  process?.texts('args', maxList);
  process?.texts('env', maxList);
  process?.text('cwd');
  fields.object('root')?.text('path');
  for (const mount of fields.objects('mounts', maxList)) {
    mount.text('destination');
    mount.texts('options', maxList);
  }
  fields.map('annotations');
  const linux = fields.object('linux');
  linux?.text('cgroupsPath');
  linux?.objects('namespaces', maxList);
  return json as unknown as Spec;
}

const maxSpecBytes = 8 << 20;
const maxList = 65_536;

/** Key → order of the keys inside, where that matters; maps with free keys are sorted. */
interface Order {
  readonly [key: string]: Order | null | 'sorted';
}

const keys = (names: string): Order => Object.fromEntries(names.split(' ').map((name) => [name, null]));

const processOrder: Order = {
  ...keys(
    'terminal consoleSize user args commandLine env cwd capabilities rlimits noNewPrivileges apparmorProfile oomScoreAdj selinuxLabel',
  ),
  user: keys('uid gid umask additionalGids username'),
  capabilities: keys('bounding effective inheritable permitted ambient'),
  rlimits: keys('type hard soft'),
};
const specOrder: Order = {
  ...keys('ociVersion process root hostname domainname mounts hooks annotations linux'),
  process: processOrder,
  annotations: 'sorted',
  root: keys('path readonly'),
  mounts: keys('destination type source options'),
  linux: {
    ...keys(
      'uidMappings gidMappings sysctl resources cgroupsPath namespaces devices seccomp rootfsPropagation maskedPaths readonlyPaths mountLabel intelRdt',
    ),
    sysctl: 'sorted',
    resources: {
      ...keys('devices memory cpu pids blockIO hugepageLimits network rdma unified'),
      devices: keys('allow type major minor access'),
      memory: keys('limit reservation swap kernel kernelTCP swappiness disableOOMKiller'),
      unified: 'sorted',
      cpu: keys('shares quota period realtimeRuntime realtimePeriod cpus mems'),
    },
    namespaces: keys('type path'),
    devices: keys('path type major minor fileMode uid gid'),
    seccomp: {
      ...keys('defaultAction defaultErrnoRet architectures flags listenerPath listenerMetadata syscalls'),
      syscalls: { ...keys('names action errnoRet args'), args: keys('index value valueTwo op') },
    },
  },
};

/** A copy with known keys first, in their order; those unknown follow in their own. A list is ordered entry by entry. */
function inOrder(value: unknown, order: Order | null | 'sorted'): unknown {
  if (order === null || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((entry) => inOrder(entry, order));
  const object = value as JsonObject;
  if (order === 'sorted') return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
  const known = Object.keys(order).filter((key) => Object.hasOwn(object, key) && object[key] !== undefined);
  const unknown = Object.keys(object).filter((key) => !Object.hasOwn(order, key));
  return Object.fromEntries([...known, ...unknown].map((key) => [key, inOrder(object[key], order[key] ?? null)]));
}
