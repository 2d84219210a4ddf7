import { invalidArgument } from '#base/errors';
import type { Spec, SpecMount } from './spec.ts';

/**
 * Reads `type=bind,src=/host,dst=/container,options=rbind:ro`. A field in double quotes may hold commas.
 *
 * @throws invalid_argument, in ctr's words, for what is no `key=value`, an unknown key, and a mount without destination.
 */
export function parseMount(text: string): SpecMount {
  let mount: SpecMount = { destination: '' };
  for (const field of splitFields(text)) {
    const equals = field.indexOf('=');
    if (equals < 0) throw invalidArgument('invalid mount specification: expected key=val');
    const [key, value] = [field.slice(0, equals), field.slice(equals + 1)];
    mount = { ...mount, ...readOption(key, value) };
  }
  if (mount.destination === '')
    throw invalidArgument(`mount ${JSON.stringify(text.slice(0, 256))}: destination required`);
  return mount;
}

export const withMounts = (spec: Spec, mounts: readonly SpecMount[]): Spec =>
  mounts.length === 0 ? spec : { ...spec, mounts: [...(spec.mounts ?? []), ...mounts] };

/** The host's names and name servers, read-only: for containers in the host's network. */
export const withHostNames = (spec: Spec): Spec =>
  withMounts(
    spec,
    ['/etc/hosts', '/etc/resolv.conf'].map((path) => ({
      destination: path,
      type: 'bind',
      source: path,
      options: ['rbind', 'ro'],
    })),
  );

function readOption(key: string, value: string): Partial<SpecMount> {
  switch (key) {
    case 'type':
      return { type: value };
    case 'source':
    case 'src':
      return { source: value };
    case 'destination':
    case 'dst':
      return { destination: value };
    case 'options':
      return { options: value.split(':') };
    default:
      throw invalidArgument(`mount option ${JSON.stringify(key)} not supported`);
  }
}

/** One line of comma-separated values: a field that begins with a quote goes on to the next lone one; two stand for one. */
function splitFields(text: string): readonly string[] {
  const fields: string[] = [];
  let rest = text;
  for (;;) {
    const quoted = /^"((?:[^"]|"")*)"(?:,|$)/.exec(rest);
    if (quoted === null && rest.startsWith('"'))
      throw invalidArgument('invalid mount specification: quotes do not match');
    const plain = rest.indexOf(',');
    const length = quoted?.[0].length ?? (plain < 0 ? rest.length + 1 : plain + 1);
    fields.push(quoted === null ? rest.slice(0, length - 1) : (quoted[1] as string).replaceAll('""', '"'));
    if (length > rest.length || (quoted !== null && !quoted[0].endsWith(','))) return fields;
    rest = rest.slice(length);
  }
}
