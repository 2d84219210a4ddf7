import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { failedPrecondition, invalidArgument, wrap } from '#base/errors';
import { ensureDefaultApparmor } from '#lib/apparmor';
import {
  capabilityNames,
  currentCapabilities,
  defaultCapabilities,
  withCapabilities,
} from '#lib/oci/spec/capabilities';
import { hostDevices, withAllDevicesAllowed, withDeviceNodes } from '#lib/oci/spec/devices';
import { withPrivileges } from '#lib/oci/spec/privileged';
import { withApparmorProfile } from '#lib/oci/spec/process';
import { defaultSeccomp, withSeccomp } from '#lib/oci/spec/seccomp';
import { type Spec, withLinux, withProcess } from '#lib/oci/spec/spec';
import { defaultPlatform } from '#lib/platform';
import type { SecurityOptions } from '../parse/security.ts';
import { parseSeccompProfile } from './seccomp-profile.ts';

/** The profile that containers have where the kernel has AppArmor. */
export const apparmorProfile = 'nerdctl-default';

/** What a container's processes may do, but for the system calls, which come last. @throws invalid_argument in docker's words */
export async function withSecurity(before: Spec, options: SecurityOptions): Promise<Spec> {
  const { privileged = false, noNewPrivileges = false, privilegedWithoutHostDevices = false } = options;
  if (privilegedWithoutHostDevices && !privileged)
    throw invalidArgument("flag `privileged-without-host-devices` can't be used without `privileged`");
  let spec = withProcess(before, { noNewPrivileges });
  const capabilities = await capabilitiesOf(options);
  if (privileged) {
    spec = withPrivileges(spec, { capabilities: await currentCapabilities() });
    if (!privilegedWithoutHostDevices) spec = withDeviceNodes(withAllDevicesAllowed(spec), await hostDevices());
  }
  spec = withCapabilities(spec, capabilities);
  if (options.systemPathsUnconfined) spec = withLinux(spec, { maskedPaths: [], readonlyPaths: [] });
  if (options.writableCgroups) spec = withWritableCgroups(spec);
  return withApparmor(spec, options);
}

/** The names of those that the flags leave. @throws invalid_argument in docker's words */
export async function capabilitiesOf({
  privileged = false,
  capAdd = [],
  capDrop = [],
}: SecurityOptions): Promise<readonly string[]> {
  const added = capAdd.map((name) => capability(name, 'CapAdd'));
  const dropped = capDrop.map((name) => capability(name, 'CapDrop'));
  if (privileged) return await currentCapabilities();
  const all = 'CAP_ALL';
  const own = await currentCapabilities();
  const start = added.includes(all) ? own : dropped.includes(all) ? [] : defaultCapabilities;
  const kept = start.filter((name) => !dropped.includes(name));
  const wanted = added.filter((name) => name !== all && !kept.includes(name));
  const names = [...kept, ...wanted];
  const lacking = wanted.find((name) => !own.includes(name));
  if (lacking !== undefined) throw failedPrecondition(`invalid CapAdd: ${lacking} is not to be had on this machine`);
  return capabilityNames.filter((name) => names.includes(name));
}

function capability(text: string, what: string): string {
  const upper = text.trim().toUpperCase();
  const name = upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
  if (name !== 'CAP_ALL' && !capabilityNames.includes(name))
    throw invalidArgument(`invalid ${what}: unknown capability: ${JSON.stringify(name.slice(0, 80))}`);
  return name;
}

function withWritableCgroups(spec: Spec): Spec {
  const mounts = (spec.mounts ?? []).map((mount) =>
    mount.type === 'cgroup'
      ? { ...mount, options: (mount.options ?? []).map((one) => (one === 'ro' ? 'rw' : one)) }
      : mount,
  );
  return { ...spec, mounts };
}

const hasApparmor = () => existsSync('/sys/kernel/security/apparmor/profiles');

/** Where the kernel has it: the profile that was asked for, or else the usual one, if it can be loaded. */
async function withApparmor(spec: Spec, { apparmor, privileged = false }: SecurityOptions): Promise<Spec> {
  if (apparmor === 'unconfined') return spec;
  if (apparmor !== undefined) {
    if (!hasApparmor()) throw failedPrecondition(`apparmor=${apparmor}: this kernel has no AppArmor`);
    const loaded = await readFile('/sys/kernel/security/apparmor/profiles', 'utf8');
    if (!loaded.split('\n').some((line) => line.startsWith(`${apparmor} (`)))
      throw failedPrecondition(`apparmor=${apparmor}: no such profile is loaded`);
    return withApparmorProfile(spec, apparmor);
  }
  if (privileged || !hasApparmor()) return spec;
  try {
    await ensureDefaultApparmor(apparmorProfile);
  } catch (thrown) {
    throw wrap(thrown, `AppArmor profile ${apparmorProfile} (--security-opt apparmor=unconfined does without)`);
  }
  return withApparmorProfile(spec, apparmorProfile);
}

/** Which system calls there are. Last, as the default profile follows the capabilities. @throws invalid_argument in docker's words */
export async function withSeccompOption(
  spec: Spec,
  { seccomp = '', privileged = false }: SecurityOptions,
): Promise<Spec> {
  if (seccomp === 'unconfined' || (seccomp === '' && privileged)) return spec;
  const { architecture } = defaultPlatform();
  if (seccomp === '' || seccomp === 'builtin') return withSeccomp(spec, defaultSeccomp(spec, architecture));
  const held = spec.process?.capabilities?.bounding ?? [];
  let text: Uint8Array;
  try {
    text = await readFile(seccomp);
  } catch (thrown) {
    throw wrap(thrown, `opening seccomp profile (${seccomp}) failed`);
  }
  return withSeccomp(spec, parseSeccompProfile(text, { architecture, capabilities: held }));
}
