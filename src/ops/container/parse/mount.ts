import { isAbsolute, normalize } from 'node:path';
import { invalidArgument } from '#base/errors';
import { splitFields } from './csv.ts';
import { parseSize } from './size.ts';
import { checkTarget, checkVolumeName, type TmpfsRequest, type VolumeRequest } from './volume.ts';

/** Which options are of which types only. */
const prefixes = { bind: 'bind', volume: 'volume', tmpfs: 'tmpfs', image: 'image' } as const;
const types: ReadonlySet<string> = new Set(Object.keys(prefixes));

interface Reading {
  type: string;
  source: string;
  target: string;
  readOnly: boolean;
  readonly options: Map<string, string>;
  readonly labels: Record<string, string>;
  readonly driverOptions: Record<string, string>;
}

/** A mount of `--mount`, and those of type tmpfs. */
export type MountRequest = { readonly volume: VolumeRequest } | { readonly tmpfs: TmpfsRequest };

/** Reads `type=bind,src=/host,dst=/inside,ro`. @throws invalid_argument in docker's words */
export function parseMount(text: string): MountRequest {
  const reading: Reading = {
    type: 'volume',
    source: '',
    target: '',
    readOnly: false,
    options: new Map(),
    labels: {},
    driverOptions: {},
  };
  for (const field of splitFields(text)) readField(reading, field);
  if (reading.target === '') throw invalidArgument('target is required');
  const { type } = reading;
  const bad = (why: string) => invalidArgument(`invalid mount config for type ${JSON.stringify(type)}: ${why}`);
  if (!types.has(type)) throw bad('mount type unknown');
  for (const key of reading.options.keys()) {
    const [prefix = ''] = key.split('-');
    if (prefix !== type) throw invalidArgument(`cannot mix '${prefix}-*' options with mount type '${type}'`);
  }
  if (!isAbsolute(reading.target)) throw bad(`invalid mount path: '${reading.target}' mount path must be absolute`);
  const target = checkTarget(reading.target, text);
  if (type === 'tmpfs') {
    if (reading.source !== '') throw bad('field Source must not be specified');
    return { tmpfs: { target, options: tmpfsOptions(reading), isMount: true } };
  }
  return { volume: volumeOf(reading, target, bad) };
}

function readField(reading: Reading, field: string): void {
  const equals = field.indexOf('=');
  const key = (equals < 0 ? field : field.slice(0, equals)).trim().toLowerCase();
  const value = equals < 0 ? undefined : field.slice(equals + 1);
  const needed = () => {
    if (value === undefined) throw invalidArgument(`invalid field '${field}' must be a key=value pair`);
    return value;
  };
  switch (key) {
    case 'type':
      reading.type = needed().toLowerCase();
      return;
    case 'source':
    case 'src':
      reading.source = needed();
      return;
    case 'target':
    case 'dst':
    case 'destination':
      reading.target = needed();
      return;
    case 'readonly':
    case 'ro':
      reading.readOnly = truth(key, value);
      return;
    case 'consistency':
      if (!['default', 'consistent', 'cached', 'delegated'].includes(needed()))
        throw invalidArgument(`invalid value for consistency: ${value}`);
      return;
    case 'volume-label':
      Object.assign(reading.labels, pair(needed()));
      break;
    case 'volume-opt':
      Object.assign(reading.driverOptions, pair(needed()));
      break;
    default:
      if (readers.has(key)) break;
      needed();
      throw invalidArgument(`unexpected key '${key}' in '${field}'`);
  }
  const check = readers.get(key);
  reading.options.set(key, check === undefined ? '' : check(key, value));
}

const flagged = (key: string, value: string | undefined) => String(truth(key, value));
const oneOf =
  (...allowed: readonly string[]) =>
  (key: string, value = '') => {
    if (!allowed.includes(value))
      throw invalidArgument(`invalid value for ${key}: ${value} (must be ${listed(allowed)})`);
    return value;
  };
const listed = (words: readonly string[]) =>
  `${words
    .slice(0, -1)
    .map((word) => JSON.stringify(word))
    .join(', ')}, or ${JSON.stringify(words.at(-1))}`;
const anyText = (key: string, value?: string) => {
  if (value === undefined) throw invalidArgument(`invalid field '${key}' must be a key=value pair`);
  return value;
};

const readers: ReadonlyMap<string, (key: string, value: string | undefined) => string> = new Map([
  ['bind-propagation', oneOf('private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave')],
  ['bind-nonrecursive', flagged],
  ['bind-recursive', oneOf('enabled', 'disabled', 'writable', 'readonly')],
  ['bind-create-src', flagged],
  ['volume-nocopy', flagged],
  ['volume-driver', anyText],
  ['volume-subpath', anyText],
  ['image-subpath', anyText],
  [
    'tmpfs-size',
    (key, value = '') => {
      try {
        return String(parseSize(value));
      } catch (cause) {
        throw invalidArgument(`invalid value for ${key}: ${value}`, cause);
      }
    },
  ],
  [
    'tmpfs-mode',
    (key, value = '') => {
      if (!/^[0-7]{1,5}$/.test(value)) throw invalidArgument(`invalid value for ${key}: ${value}`);
      return value;
    },
  ],
]);

function truth(key: string, value: string | undefined): boolean {
  if (value === undefined || /^(1|t|true)$/i.test(value)) return true;
  if (/^(0|f|false)$/i.test(value)) return false;
  throw invalidArgument(`invalid value for ${key}: ${value}`);
}

function pair(text: string): Readonly<Record<string, string>> {
  const equals = text.indexOf('=');
  return equals < 0 ? { [text]: '' } : { [text.slice(0, equals)]: text.slice(equals + 1) };
}

const tmpfsOptions = ({ options, readOnly }: Reading) => [
  ...(options.has('tmpfs-size') && options.get('tmpfs-size') !== '0' ? [`size=${options.get('tmpfs-size')}`] : []),
  ...(options.has('tmpfs-mode') ? [`mode=${options.get('tmpfs-mode')}`] : []),
  ...(readOnly ? ['ro'] : []),
];

function volumeOf(reading: Reading, target: string, bad: (why: string) => Error): VolumeRequest {
  const { type, source, options, readOnly } = reading;
  if (type === 'bind') {
    if (source === '') throw bad('field Source must not be empty');
    if (!isAbsolute(source)) throw bad(`invalid mount path: '${source}' mount path must be absolute`);
  }
  if (type === 'image' && source === '') throw bad('field Source must not be empty');
  if (type === 'volume' && source !== '') checkVolumeName(source);
  const recursion = options.get('bind-recursive') ?? '';
  if (recursion === 'readonly' && !readOnly)
    throw invalidArgument("option 'bind-recursive=readonly' requires 'readonly' to be specified in conjunction");
  if (recursion === 'readonly' && options.get('bind-propagation') !== 'rprivate')
    throw invalidArgument(
      "option 'bind-recursive=readonly' requires 'bind-propagation=rprivate' to be specified in conjunction",
    );
  const nonRecursive = options.get('bind-nonrecursive') === 'true' || recursion === 'disabled';
  const subpath = options.get('volume-subpath') ?? options.get('image-subpath') ?? '';
  if (isAbsolute(subpath) || normalize(subpath).startsWith('..'))
    throw bad(`subpath must be a relative path within the ${type}`);
  const propagation = options.get('bind-propagation');
  const driver = options.get('volume-driver');
  return {
    type: type as VolumeRequest['type'],
    source: type === 'bind' ? normalize(source) : source,
    target,
    ...(type === 'image' || readOnly ? { readOnly: true } : {}),
    ...(recursion === 'writable' && { readOnlyBelow: 'never' }),
    ...(recursion === 'readonly' && { readOnlyBelow: 'must' }),
    ...(nonRecursive && { nonRecursive }),
    ...(propagation !== undefined && { propagation }),
    ...(options.get('bind-create-src') === 'true' && { createSource: true }),
    ...(options.get('volume-nocopy') === 'true' && { noCopy: true }),
    ...(subpath !== '' && { subpath }),
    ...(options.has('volume-label') && { labels: reading.labels }),
    ...(options.has('volume-opt') && { driverOptions: reading.driverOptions }),
    ...(driver !== undefined && { driver }),
  };
}
