import { readCdiSpec } from '#lib/cdi/cdi-spec';
import { formatDeviceName, isDeviceName, isKindPart, parseDeviceName } from '#lib/cdi/device-name';
import { parseList, parseSingle } from '#lib/cni/network-config';
import { parseBoundedJson } from '#lib/oci/bounded-json';
import { formatMount } from '#plugins/mounts/format';
import { accepted, type FuzzTarget, holds, same, textOf } from '../target.ts';

/** Device specifications of CDI and names of devices: what is taken has names that are some. */
export const cdi: FuzzTarget = {
  name: 'cdi',
  words: [
    '"cdiVersion":"0.6.0"',
    '"kind":"vendor.com/class"',
    '"devices":[]',
    '"containerEdits":{}',
    '"hooks":[]',
    '"mounts":[]',
    '"deviceNodes":[]',
    'vendor.com/class=name',
    'null',
    '{',
    '[',
  ],
  run(bytes) {
    const name = accepted(() => parseDeviceName(textOf(bytes)), 'invalid_argument');
    if (name !== undefined) same('a name', formatDeviceName(name), textOf(bytes));
    const document = accepted(() => ({ json: parseBoundedJson(bytes, { maxBytes: 1 << 20 }) }), 'invalid_argument');
    if (document === undefined) return;
    const spec = accepted(() => readCdiSpec(document.json, 'spec'), 'invalid_argument');
    if (spec === undefined) return;
    holds('a kind', isKindPart(spec.vendor) && isKindPart(spec.class));
    for (const device of spec.devices) holds(`a device: ${device.name}`, isDeviceName(device.name));
  },
};

/** Configurations of networks: every plugin that comes out is the name of a file and no path. */
export const cni: FuzzTarget = {
  name: 'cni',
  words: [
    '"cniVersion":"1.0.0"',
    '"plugins":[]',
    '"type":"bridge"',
    '"name":"n"',
    '"type":"../x"',
    '"__proto__":{}',
    'null',
    '{',
    '[',
  ],
  run(bytes) {
    for (const parse of [parseList, parseSingle]) {
      const network = accepted(() => parse(bytes), 'invalid_argument');
      for (const { type } of network?.plugins ?? [])
        holds(`a plugin: ${type}`, type !== '' && !/[/\0]/.test(type) && !/^\.*$/.test(type));
    }
  },
};

const made = ['/a', '/b'].map((mountPoint) => ({
  mount: { type: 'bind', source: `/from${mountPoint}`, target: '', options: [] },
  mountPoint,
}));

/** Templates in mounts: filled or refused, in time linear in the text, and nothing of a template remains. */
export const mountTemplates: FuzzTarget = {
  name: 'mount-templates',
  words: ['{{', '}}', '{{- ', ' -}}', 'mount 0', 'overlay 1 0', 'source 1', 'target 9999', ' ', '\n', 'lowerdir='],
  run(bytes) {
    const text = textOf(bytes);
    const mount = { type: 'overlay', source: text, target: '', options: [text] };
    const filled = accepted(() => formatMount(mount, made as never), 'invalid_argument');
    if (filled === undefined) return;
    same('everywhere the same', filled.options[0], filled.source);
    if (!text.includes('{{')) same('without a template', filled.source, text);
  },
};
