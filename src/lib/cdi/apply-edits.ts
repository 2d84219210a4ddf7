import { failedPrecondition, wrap } from '#base/errors';
import { devicesAt, withDeviceNodes } from '../oci/spec/devices.ts';
import { withEnv } from '../oci/spec/process.ts';
import { type Device, type Spec, type SpecMount, withLinux, withResources } from '../oci/spec/spec.ts';
import type { ContainerEdits, DeviceNode } from './container-edits.ts';

/**
 * The spec with the edits in it. What device nodes leave open is looked up on this machine.
 * @throws not_found for a device that is not here; failed_precondition for one that is of another type than it should be
 */
export async function withEdits(before: Spec, edits: ContainerEdits): Promise<Spec> {
  let spec = edits.env.length === 0 ? before : withEnv(before, edits.env);
  for (const node of edits.deviceNodes) spec = withNode(spec, node, await deviceFor(node));
  spec = withNetDevices(spec, edits.netDevices);
  spec = withEditMounts(spec, edits.mounts);
  for (const { name, hook } of edits.hooks)
    spec = { ...spec, hooks: { ...spec.hooks, [name]: [...(spec.hooks?.[name] ?? []), hook] } };
  if (edits.intelRdt !== undefined) spec = withLinux(spec, { intelRdt: edits.intelRdt });
  return withGroups(spec, edits.additionalGids);
}

async function deviceFor(node: DeviceNode): Promise<Device> {
  const { path, hostPath = path, fileMode, uid, gid } = node;
  const own = {
    ...(fileMode !== undefined && { fileMode }),
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid }),
  };
  const { type, major = 0, minor = 0 } = node;
  if (type !== undefined && (major !== 0 || type === 'p')) return { path, type, major, minor, ...own };
  const [found, ...more] = await devicesAt(hostPath, path).catch((thrown: unknown) => {
    throw wrap(thrown, `CDI device ${JSON.stringify(hostPath)}`);
  });
  if (found === undefined || more.length > 0 || found.path !== path)
    throw failedPrecondition(`CDI device ${JSON.stringify(hostPath)}: a directory`);
  if (type !== undefined && type.replace('u', 'c') !== found.type)
    throw failedPrecondition(`CDI device ${JSON.stringify(hostPath)}: of type ${found.type}, not ${type}`);
  return { path, type: type ?? found.type, major: found.major, minor: found.minor, ...own };
}

/** The node takes the place of one at the same path. It is the container's user's, unless it says whose it is. */
function withNode(before: Spec, { permissions = 'rwm' }: DeviceNode, device: Device): Spec {
  const { uid = 0, gid = 0 } = before.process?.user ?? {};
  const owner = { ...(uid > 0 && { uid }), ...(gid > 0 && { gid }) };
  const others = (before.linux?.devices ?? []).filter(({ path }) => path !== device.path);
  const spec = withDeviceNodes(withLinux(before, { devices: others }), [{ ...owner, ...device }]);
  const { type, major, minor } = device;
  if (type !== 'b' && type !== 'c') return spec;
  const rule = { allow: true, type, major, minor, access: permissions };
  return withResources(spec, { devices: [...(spec.linux?.resources?.devices ?? []), rule] });
}

function withNetDevices(spec: Spec, devices: ContainerEdits['netDevices']): Spec {
  if (devices.length === 0) return spec;
  const added = Object.fromEntries(devices.map(({ hostInterfaceName, name }) => [hostInterfaceName, { name }]));
  return withLinux(spec, { netDevices: { ...spec.linux?.netDevices, ...added } });
}

/** A mount takes the place of one at the same path. What lies deeper comes later, or it would be hidden. */
function withEditMounts(spec: Spec, added: ContainerEdits['mounts']): Spec {
  if (added.length === 0) return spec;
  const places = new Set(added.map(({ containerPath }) => containerPath));
  const mounts: SpecMount[] = (spec.mounts ?? []).filter(({ destination }) => !places.has(destination));
  for (const { containerPath, hostPath, type, options } of added)
    mounts.push({
      destination: containerPath,
      source: hostPath,
      ...(type !== undefined && { type }),
      ...(options !== undefined && { options }),
    });
  const depth = ({ destination }: SpecMount) => destination.split('/').filter((part) => part !== '').length;
  return { ...spec, mounts: mounts.toSorted((a, b) => depth(a) - depth(b)) };
}

function withGroups(spec: Spec, gids: readonly number[]): Spec {
  const { process } = spec;
  const added = gids.filter((gid) => gid !== 0);
  if (added.length === 0 || process === undefined) return spec;
  const additionalGids = [...new Set([...(process.user.additionalGids ?? []), ...added])];
  return { ...spec, process: { ...process, user: { ...process.user, additionalGids } } };
}
