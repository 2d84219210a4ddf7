import type { Any } from '#base/any';
import { invalidArgument } from '#base/errors';

interface Spec {
  readonly linux?: {
    readonly namespaces?: readonly { readonly type: string; readonly path?: string }[];
    readonly sysctl?: Readonly<Record<string, string>>;
  };
  readonly mounts?: readonly { readonly destination: string; readonly source?: string }[];
}

/** Files of a container that another one, whose network it shares, has too: by where they are in the container. */
export type SharedFiles = Readonly<Record<string, string>>;

/** The spec with the network namespace at this path, and files at these places from elsewhere, where it has them at all. @throws invalid_argument */
export function withNetwork(packed: Any, netns: string, files: SharedFiles = {}): Any {
  const spec = parse(packed);
  const { namespaces = [] } = spec.linux ?? {};
  const others = namespaces.filter(({ type }) => type !== 'network');
  const mounts = spec.mounts?.map((mount) => {
    const source = files[mount.destination];
    return source === undefined ? mount : { ...mount, source };
  });
  const changed = {
    ...spec,
    linux: { ...spec.linux, namespaces: [...others, { type: 'network', path: netns }] },
    ...(mounts !== undefined && { mounts }),
  };
  return { typeUrl: packed.typeUrl, value: Buffer.from(JSON.stringify(changed)) };
}

/** Whether the process's settings name interfaces (`net.ipv4.conf.eth0.…`), which must be there before it is made. */
export function namesInterfaces(packed: Any): boolean {
  return Object.keys(parse(packed).linux?.sysctl ?? {}).some((key) => /^net[./].*[./]eth\d+[./]/.test(key));
}

function parse({ value }: Any): Spec {
  try {
    return JSON.parse(Buffer.from(value).toString()) as Spec;
  } catch (cause) {
    throw invalidArgument("the container's spec is no JSON", cause);
  }
}
