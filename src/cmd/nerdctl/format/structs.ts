import { struct } from '#lib/go-template/values';

/** Members of docker's documents that are maps in Go; all other objects are structs. */
const maps: ReadonlySet<string> = new Set([
  'Annotations',
  'Containers',
  'Data',
  'DriverOpts',
  'ExposedPorts',
  'Labels',
  'LogConfig.Config',
  'Networks',
  'Options',
  'PortBindings',
  'Ports',
  'StorageOpt',
  'Sysctls',
  'Tmpfs',
  'Volumes',
]);

/** A document as templates of `inspect` see it: Go's structs, by which an unknown field is an error, and maps where Go has maps. */
export const asStructs = (type: string, document: unknown): unknown => marked(document, type, '');

function marked(value: unknown, type: string, parent: string): unknown {
  if (Array.isArray(value)) return value.map((each) => marked(each, type, parent));
  if (typeof value !== 'object' || value === null) return value;
  const name = parent.slice(parent.lastIndexOf('.') + 1);
  const isMap = maps.has(name) || maps.has(parent);
  const copy = Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, marked(member, `types.${key}`, isMap ? '' : `${name}.${key}`)]),
  );
  return isMap ? copy : struct(type, copy);
}
