import { invalidArgument } from '#base/errors';
import type { Json } from '../oci/bounded-json.ts';
import { Fields } from '../oci/fields.ts';
import { type ContainerEdits, checkKnown, isEmpty, readEdits } from './container-edits.ts';
import { isDeviceName, isKindPart } from './device-name.ts';

/** One file: the devices of one vendor and class, and what each of them, and all of them, change of a container. */
export interface CdiSpec {
  readonly version: string;
  readonly vendor: string;
  readonly class: string;
  readonly devices: readonly { readonly name: string; readonly edits: ContainerEdits }[];
  readonly edits: ContainerEdits;
}

const versions = ['0.1.0', '0.2.0', '0.3.0', '0.4.0', '0.5.0', '0.6.0', '0.7.0', '0.8.0', '1.0.0', '1.1.0'];
const most = 4096;
const maxAnnotations = 256 << 10;

/** Checks a document. `place` stands before the fields in errors. @throws invalid_argument naming the field */
export function readCdiSpec(document: Json, place: string): CdiSpec {
  const fields = new Fields(document, place);
  checkKnown(fields, ['cdiVersion', 'kind', 'annotations', 'devices', 'containerEdits']);
  const version = fields.requiredText('cdiVersion').replace(/^v/, '');
  if (!versions.includes(version))
    throw invalidArgument(`${place}.cdiVersion: ${JSON.stringify(version.slice(0, 32))}: not a version that is known`);
  const kind = fields.requiredText('kind');
  const [vendor = '', name = '', ...rest] = kind.split('/');
  if (!isKindPart(vendor) || !isKindPart(name) || rest.length > 0)
    throw invalidArgument(`${place}.kind: ${JSON.stringify(kind.slice(0, 128))}: wanted vendor/class`);
  checkAnnotations(fields);
  const devices = fields.objects('devices', most).map(readDevice);
  const seen = new Set<string>();
  for (const [at, device] of devices.entries()) {
    if (seen.has(device.name))
      throw invalidArgument(`${place}.devices[${at}].name: ${JSON.stringify(device.name)} given twice`);
    seen.add(device.name);
  }
  const edits = fields.object('containerEdits');
  const spec = { version, vendor, class: name, devices, edits: edits === undefined ? none : readEdits(edits) };
  checkVersion(spec, fields, place);
  return spec;
}

function readDevice(fields: Fields): CdiSpec['devices'][number] {
  checkKnown(fields, ['name', 'annotations', 'containerEdits']);
  const name = fields.requiredText('name');
  if (!isDeviceName(name))
    throw invalidArgument(`${fields.place}.name: ${JSON.stringify(name.slice(0, 128))}: malformed`);
  checkAnnotations(fields);
  const edits = fields.object('containerEdits');
  const read = edits === undefined ? none : readEdits(edits);
  if (isEmpty(read)) throw invalidArgument(`${fields.place}.containerEdits: nothing in it`);
  return { name, edits: read };
}

const none: ContainerEdits = { env: [], deviceNodes: [], mounts: [], hooks: [], additionalGids: [], netDevices: [] };

function checkAnnotations(fields: Fields): void {
  const annotations = fields.map('annotations') ?? {};
  const size = Object.entries(annotations).reduce((sum, [key, value]) => sum + key.length + value.length, 0);
  if (size > maxAnnotations) throw invalidArgument(`${fields.place}.annotations: more than ${maxAnnotations} bytes`);
  for (const key of Object.keys(annotations)) {
    const name = /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?\/)?([A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?)$/i.exec(
      key,
    )?.[1];
    if (name === undefined || name.length > 63)
      throw invalidArgument(`${fields.place}.annotations: ${JSON.stringify(key.slice(0, 128))}: malformed name`);
  }
}

/** A file must not use what its version does not have: other readers of that version would not understand it. */
function checkVersion(spec: CdiSpec, fields: Fields, place: string): void {
  const needed = neededVersion(spec, fields);
  if (versions.indexOf(needed) > versions.indexOf(spec.version))
    throw invalidArgument(`${place}.cdiVersion: ${spec.version}: what is in it needs ${needed}`);
}

function neededVersion(spec: CdiSpec, fields: Fields): string {
  const all = [spec.edits, ...spec.devices.map(({ edits }) => edits)];
  const some = (has: (edits: ContainerEdits) => boolean) => all.some(has);
  const rdt = ({ intelRdt }: ContainerEdits) =>
    intelRdt?.schemata !== undefined || intelRdt?.enableMonitoring !== undefined;
  if (some((edits) => edits.netDevices.length > 0 || rdt(edits))) return '1.1.0';
  if (some((edits) => edits.intelRdt !== undefined || edits.additionalGids.length > 0)) return '0.7.0';
  const annotated = [fields, ...fields.objects('devices', most)].some((one) => one.has('annotations'));
  if (annotated || spec.class.includes('.')) return '0.6.0';
  const digits = spec.devices.some(({ name }) => /^\d/.test(name));
  if (digits || some(({ deviceNodes }) => deviceNodes.some(({ hostPath }) => hostPath !== undefined))) return '0.5.0';
  return some(({ mounts }) => mounts.some(({ type }) => type !== undefined)) ? '0.4.0' : '0.1.0';
}
