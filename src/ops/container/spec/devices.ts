import { failedPrecondition, wrap } from '#base/errors';
import { CdiRegistry } from '#lib/cdi/registry';
import { devicesAt, withDevices } from '#lib/oci/spec/devices';
import { type Spec, withResources } from '#lib/oci/spec/spec';
import { parseYaml } from '#sys/yaml';
import type { Engine } from '../../engine.ts';
import type { LimitOptions } from '../create-options.ts';
import type { GpuRequest } from '../parse/device.ts';

/** Devices made in the container and leave to use them; those that CDI describes with all that belongs to them. @throws not_found in docker's words */
export async function withDeviceOptions(
  { config }: Pick<Engine, 'config'>,
  before: Spec,
  { devices = [], deviceRules = [], gpus = [] }: LimitOptions,
  privileged: boolean,
): Promise<Spec> {
  let spec = before;
  for (const device of devices) {
    // Who is privileged has them all.
    if ('cdi' in device || privileged) continue;
    try {
      spec = withDevices(spec, await devicesAt(device.source, device.target), device.access);
    } catch (thrown) {
      throw wrap(
        thrown,
        `error gathering device information while adding custom device ${JSON.stringify(device.source)}`,
      );
    }
  }
  if (deviceRules.length > 0)
    spec = withResources(spec, { devices: [...(spec.linux?.resources?.devices ?? []), ...deviceRules] });
  const named = devices.flatMap((device) => ('cdi' in device ? [device.cdi] : []));
  if (named.length === 0 && gpus.length === 0) return spec;
  const registry = await CdiRegistry.open({ parseYaml, directories: config.cdiSpecDirs });
  const names = [...named, ...gpus.flatMap((gpu) => gpuNames(registry.names, gpu))];
  return registry.inject(spec, names);
}

const kinds = ['nvidia.com/gpu=', 'amd.com/gpu='];

/** What of the machine's CDI devices a request for GPUs means. @throws failed_precondition in docker's words where there are none */
function gpuNames(known: readonly string[], { count, devices, driver }: GpuRequest): readonly string[] {
  const wanted = kinds.filter((kind) => driver === '' || kind.startsWith(driver) || driver === 'cdi');
  const kind = wanted.find((one) => known.some((name) => name.startsWith(one)));
  const lacking = () =>
    failedPrecondition(
      'could not select device driver "" with capabilities: [[gpu]]: no CDI specification describes such GPUs',
    );
  if (kind === undefined) throw lacking();
  if (devices.length > 0) return devices.map((one) => (one.includes('=') ? one : `${kind}${one}`));
  if (count === -1 && known.includes(`${kind}all`)) return [`${kind}all`];
  const numbered = known.filter((name) => name.startsWith(kind) && /=\d+$/.test(name));
  if (numbered.length < count || numbered.length === 0) throw lacking();
  return count === -1 ? numbered : numbered.slice(0, count);
}
