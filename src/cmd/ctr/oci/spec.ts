import { invalidArgument } from '#base/errors';
import { ctrJson } from '#lib/go-json';
import { defaultSpec } from '#lib/oci/spec/default-spec';
import { encodeSpec } from '#lib/oci/spec/encode-spec';
import { defaultPlatform, parsePlatform } from '#lib/platform';
import { text } from '../../cli/flags.ts';
import { localCommand } from '../globals.ts';

export default localCommand({
  name: 'spec',
  summary: 'see the output of the default OCI spec',
  flags: { platform: text("platform of the spec to print (Examples: 'linux/arm64', 'windows/amd64')") },
  run: async ({ io, flags, globals }) => {
    const { os } = flags.platform === '' ? defaultPlatform() : parsePlatform(flags.platform);
    if (os !== 'linux' && os !== 'windows') throw invalidArgument(`no default spec for ${os}`);
    await io.stdout.write(`${ctrJson(os === 'windows' ? windowsSpec : linuxSpec(globals.namespace))}\n`);
    return 0;
  },
});

/** Of a container without a name, and before it is allowed any devices. */
function linuxSpec(namespace: string): object {
  const spec = defaultSpec('', namespace);
  const devices = (spec.linux?.resources?.devices ?? []).filter(({ allow }) => !allow);
  const named = { ...spec, linux: { ...spec.linux, cgroupsPath: `/${namespace}`, resources: { devices } } };
  return JSON.parse(Buffer.from(encodeSpec(named)).toString('utf8')) as object;
}

const windowsSpec = {
  ociVersion: '1.0.2-dev',
  process: { user: { uid: 0, gid: 0 }, cwd: 'C:\\' },
  root: { path: '' },
  windows: { layerFolders: null },
};
