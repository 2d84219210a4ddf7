import { scopeOf } from '#core/scope';
import { parseDockerReference } from '#lib/docker-reference';
import { documentOf } from '#ops/registry/manifest-lists';
import { type RemoteManifest, remoteManifest } from '#ops/registry/remote-manifest';
import { flag } from '../../cli/flags.ts';
import { localCommand } from '../globals.ts';
import { registryOptions } from '../registry.ts';
import { annotate, create, listsOf, push, rm } from './list-commands.ts';

const inspect = localCommand({
  name: 'inspect',
  summary: 'show a manifest or a list of manifests, as a registry has it',
  args: 'MANIFEST',
  arity: [1, 1],
  flags: {
    insecure: flag('Allow communication with an insecure registry'),
    verbose: flag('Output additional info including layers and platform', { alias: 'v' }),
  },
  run: async (settings, { io, flags, args: [word = ''] }) => {
    // One that is being made here comes first, as for docker.
    const local = flags.verbose ? undefined : await listsOf(settings).get(word);
    if (local !== undefined) {
      await io.stdout.write(`${JSON.stringify(documentOf(local), null, '   ')}\n`);
      return 0;
    }
    const insecureRegistry = settings.insecureRegistry || flags.insecure;
    const registry = await registryOptions(io, { ...settings, insecureRegistry }, parseDockerReference(word).host);
    const scope = scopeOf(settings.namespace, { signal: io.signal });
    const found = await remoteManifest(scope, word, { members: flags.verbose, registry, environment: io.env });
    const shown = flags.verbose ? verbose(found) : found.document;
    await io.stdout.write(`${JSON.stringify(shown, null, flags.verbose ? '\t' : '   ')}\n`);
    return 0;
  },
});

/** docker's long form: of an index a list of what it names. */
function verbose(found: RemoteManifest): unknown {
  if (found.members.length > 0) return found.members.map(verbose);
  const { name, descriptor, document } = found;
  const kind = descriptor.mediaType.startsWith('application/vnd.oci.') ? 'OCIManifest' : 'SchemaV2Manifest';
  return { Ref: name, Descriptor: descriptor, [kind]: document };
}

/** The commands of `nerdctl manifest`. */
export default [annotate, create, inspect, push, rm];
