import type { Spec } from './spec.ts';

export interface GpuHook {
  /** The `containerd` whose `oci-hook` fills in what is known only when the container is made. */
  readonly hook: string;
  /** The path of nvidia-container-cli. */
  readonly cli: string;
  /** Numbers of the devices. */
  readonly devices: readonly number[];
  readonly env: readonly string[];
}

const capabilities = ['compute', 'compat32', 'graphics', 'utility', 'video', 'display'];

/** NVIDIA's own tool puts devices and libraries into the container before it starts: a hook that the runtime calls. */
export function withGpus(spec: Spec, { hook, cli, devices, env }: GpuHook): Spec {
  const args = [
    'containerd',
    'oci-hook',
    '--',
    cli,
    '--load-kmods', // without the kernel modules it finds nothing
    'configure',
    ...(devices.length === 0 ? [] : [`--device=${devices.join(',')}`]),
    ...capabilities.map((one) => `--${one}`),
    '--pid={{pid}}',
    '{{rootfs}}',
  ];
  const prestart = [...(spec.hooks?.prestart ?? []), { path: hook, args, env }];
  return { ...spec, hooks: { ...spec.hooks, prestart } };
}
