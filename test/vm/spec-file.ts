import type { Machine } from './machine.ts';

export interface BundleSpec {
  readonly args: readonly string[];
  readonly cgroupsPath: string;
  readonly resources: object;
}

/** Writes a spec into the machine, from containerd's default one, with a root file system of its own; returns the spec's path, for `ctr run --config`. */
export async function writeBundle(machine: Machine, id: string, { args, cgroupsPath, resources }: BundleSpec) {
  const directory = `/srv/${id}`;
  await machine.ok(
    `cd / && mkdir -p ${directory}/rootfs && cd ${directory}/rootfs && mkdir -p bin proc dev sys run tmp etc && cp /bin/busybox bin/ && chroot . /bin/busybox --install -s /bin`,
  );
  const spec = JSON.parse(await machine.ok('/usr/bin/ctr oci spec'));
  spec.process.args = args;
  spec.process.env = ['PATH=/bin'];
  spec.root.path = `${directory}/rootfs`;
  spec.linux.cgroupsPath = cgroupsPath;
  spec.linux.resources = { ...spec.linux.resources, ...resources };
  const path = `${directory}/config.json`;
  await machine.ok(`echo ${Buffer.from(JSON.stringify(spec)).toString('base64')} | base64 -d > ${path}`);
  return path;
}
