import { invalidArgument } from '#base/errors';
import { type IdMapping, type Namespace, type NamespaceType, type Spec, withLinux } from './spec.ts';

/**
 * Reads `network:/proc/42/ns/net`.
 *
 * @throws invalid_argument, in ctr's words, for another form and for types that cannot be joined.
 */
export function parseNamespace(text: string): Namespace {
  const [type, path, ...rest] = text.split(':');
  if (type === undefined || path === undefined || rest.length > 0) {
    throw invalidArgument("joining a Linux namespace using --with-ns requires the format 'nstype:path'");
  }
  if (!joinable.has(type))
    throw invalidArgument(`the Linux namespace type specified in --with-ns is not valid: ${type.slice(0, 64)}`);
  return { type: type as NamespaceType, path };
}

/** The namespace in the place of the one of its type, or added. */
export function withNamespace(spec: Spec, namespace: Namespace): Spec {
  const namespaces = spec.linux?.namespaces ?? [];
  const isThere = namespaces.some(({ type }) => type === namespace.type);
  return withLinux(spec, {
    namespaces: isThere
      ? namespaces.map((one) => (one.type === namespace.type ? namespace : one))
      : [...namespaces, namespace],
  });
}

/** No namespace of that type: the container shares the host's. */
export const withHostNamespace = (spec: Spec, type: NamespaceType): Spec =>
  withLinux(spec, { namespaces: (spec.linux?.namespaces ?? []).filter((one) => one.type !== type) });

/**
 * Reads `container-id:host-id:size`.
 *
 * @throws invalid_argument for another form, and for numbers outside 0…2³²-1.
 */
export function parseIdMapping(text: string): IdMapping {
  const match = /^(\d{1,10}):(\d{1,10}):(\d{1,10})$/.exec(text);
  if (match === null) {
    throw invalidArgument('user namespace mappings require the format `container-id:host-id:size`');
  }
  const [containerID, hostID, size] = match.slice(1).map(Number) as [number, number, number];
  if (size === 0 || containerID + size > maxId + 1 || hostID + size > maxId + 1) {
    throw invalidArgument(`user namespace mapping ${text}: ids go from 0 to ${maxId}`);
  }
  return { containerID, hostID, size };
}

/** A user namespace of the container's own, in which its ids are those of the host that the mappings say. */
export function withUserNamespace(
  spec: Spec,
  uidMappings: readonly IdMapping[],
  gidMappings: readonly IdMapping[],
): Spec {
  return withLinux(withNamespace(spec, { type: 'user' }), { uidMappings, gidMappings });
}

const maxId = 2 ** 32 - 1;
const joinable: ReadonlySet<string> = new Set(['cgroup', 'ipc', 'mount', 'network', 'pid', 'user', 'uts']);
