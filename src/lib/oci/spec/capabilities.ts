import { readFile } from 'node:fs/promises';
import { invalidArgument } from '#base/errors';
import { type Capabilities, type Spec, withProcess } from './spec.ts';

/** All that Linux has, at the place of their number. */
export const capabilityNames: readonly string[] = (
  'CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN ' +
  'NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME ' +
  'SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON ' +
  'BPF CHECKPOINT_RESTORE'
)
  .split(' ')
  .map((name) => `CAP_${name}`);

/** What a container's root may do unless told otherwise. */
export const defaultCapabilities: readonly string[] =
  'CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE'
    .split(' ')
    .map((name) => `CAP_${name}`);

/** Those that this process itself has: no container can get more. */
export async function currentCapabilities(): Promise<readonly string[]> {
  const status = await readFile('/proc/self/status', 'utf8');
  const mask = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  return capabilityNames.filter((_, number) => (mask >> BigInt(number)) & 1n);
}

/**
 * Checks names as users give them.
 *
 * @throws invalid_argument for one that does not begin with `CAP_` or has other characters than capital letters and underscores.
 */
export function checkCapabilities(names: readonly string[]): void {
  for (const name of names) {
    if (!name.startsWith('CAP_')) throw invalidArgument("capabilities must be specified with 'CAP_' prefix");
    if (!/^[A-Z_]{5,64}$/.test(name)) throw invalidArgument(`capability ${JSON.stringify(name.slice(0, 80))}`);
  }
}

/** Exactly these, in the three sets that a container starts with. */
export const withCapabilities = (spec: Spec, names: readonly string[]): Spec => changeSets(spec, () => names);

/** These on top of what there is. */
export const withAddedCapabilities = (spec: Spec, names: readonly string[]): Spec =>
  changeSets(spec, (set) => [...new Set([...set, ...names])]);

/** These taken out of every set. */
export const withDroppedCapabilities = (spec: Spec, names: readonly string[]): Spec =>
  changeSets(spec, (set) => set.filter((name) => !names.includes(name)));

function changeSets(spec: Spec, change: (set: readonly string[]) => readonly string[]): Spec {
  const before = spec.process?.capabilities ?? {};
  const capabilities: Capabilities = {
    ...before,
    bounding: change(before.bounding ?? []),
    effective: change(before.effective ?? []),
    permitted: change(before.permitted ?? []),
  };
  return withProcess(spec, { capabilities });
}
