import { rmSync } from 'node:fs';
import { Machine } from './machine.ts';
import { busyboxName, makePayload } from './payload.ts';

export interface BerthMachineOptions {
  /** How many images its registry has. */
  readonly images?: number;
  /** As a user would, or (faster) by links to what was unpacked outside. */
  readonly install?: 'tarball' | 'links';
}

/** A machine on which Berth was installed, and its service enabled and started. It has an image, `busyboxName`. */
export async function berthMachine(
  name: string,
  { images = 0, install = 'tarball' }: BerthMachineOptions = {},
): Promise<Machine> {
  const payload = makePayload({ images, unpacked: install === 'links' });
  const machine = await Machine.start(name, payload).finally(() => rmSync(payload, { recursive: true }));
  try {
    if (install === 'tarball') await machine.ok('tar -C / -xzf /payload/berth.tar.gz', 400);
    else await machine.ok('ln -s /payload/berth/usr/local/bin/* /usr/local/bin/ && cp -r /payload/berth/etc /');
    await machine.ok('systemctl daemon-reload && systemctl enable --now containerd', 240);
    await machine.ok('/usr/bin/ctr images import /payload/busybox.tar', 120);
  } catch (thrown) {
    await machine[Symbol.asyncDispose]();
    throw thrown;
  }
  return machine;
}

/** How Debian's ctr starts a container of the image. */
export const debianRun = (flags: string, id: string, command = '') =>
  `/usr/bin/ctr run ${flags} ${busyboxName} ${id} ${command}`;
/** The same with ours. */
export const ourRun = (flags: string, id: string, command = '') =>
  `/usr/local/bin/ctr run ${flags} ${busyboxName} ${id} ${command}`;

/** Ends and removes containers. */
export const removeContainers = (...ids: readonly string[]) =>
  ids.map((id) => `/usr/bin/ctr task rm -f ${id} > /dev/null 2>&1; /usr/bin/ctr containers rm ${id}`).join('\n');
