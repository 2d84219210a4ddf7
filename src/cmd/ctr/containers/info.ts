import type { Any } from '#base/any';
import { invalidArgument } from '#base/errors';
import { formatTimestamp, type Timestamp } from '#base/timestamp';
import { ctrJson } from '#lib/go-json';
import { specTypeUrl } from '#lib/oci/spec/spec';
import { flag } from '../../cli/flags.ts';
import { command } from '../globals.ts';

export default command({
  name: 'info',
  summary: 'get info about a container',
  args: 'CONTAINER',
  completes: ['containers'],
  flags: { spec: flag('only display the spec') },
  run: async ({ client, scope }, { io, args: [id], flags }) => {
    if (id === undefined || id === '') throw invalidArgument('container id must be provided');
    const container = await client.containers.get(scope, id);
    const spec = container.spec.typeUrl.endsWith(specTypeUrl)
      ? (JSON.parse(new TextDecoder().decode(container.spec.value)) as object)
      : goAny(container.spec);
    if (flags.spec) await io.stdout.write(`${ctrJson(spec)}\n`);
    else {
      const { runtime, extensions, labels } = container;
      const info = {
        ID: container.id,
        Labels: Object.keys(labels).length === 0 ? null : labels,
        Image: container.image,
        Runtime: { Name: runtime.name, Options: runtime.options === undefined ? null : goAny(runtime.options) },
        SnapshotKey: container.snapshotKey,
        Snapshotter: container.snapshotter,
        CreatedAt: goTime(container.createdAt),
        UpdatedAt: goTime(container.updatedAt),
        Extensions:
          Object.keys(extensions).length === 0
            ? null
            : Object.fromEntries(Object.entries(extensions).map(([name, any]) => [name, goAny(any)])),
        ...(container.sandboxId === '' ? {} : { SandboxID: container.sandboxId }),
        Spec: spec,
      };
      await io.stdout.write(`${ctrJson(info)}\n`);
    }
    return 0;
  },
});

const goAny = ({ typeUrl, value }: Any) => ({
  type_url: typeUrl,
  ...(value.length === 0 ? {} : { value: Buffer.from(value).toString('base64') }),
});

const goTime = (at: Timestamp): string => formatTimestamp(at).replace(/\.?0*Z$/, 'Z');
