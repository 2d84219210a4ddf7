import { alreadyExists, invalidArgument, notFound } from '#base/errors';
import { layoutFor } from '#core/engine/layout';
import { scopeOf } from '#core/scope';
import { parseDockerReference } from '#lib/docker-reference';
import {
  fullReference,
  ManifestLists,
  manifestToList,
  pushList,
  type ReachOptions,
} from '#ops/registry/manifest-lists';
import { flag, list, text } from '../../cli/flags.ts';
import type { Io } from '../../cli/io.ts';
import { localCommand } from '../globals.ts';
import { registryOptions } from '../registry.ts';
import type { Settings } from '../settings.ts';

export const listsOf = ({ dataRoot, address }: Settings): ManifestLists =>
  new ManifestLists(layoutFor(dataRoot, address));

const insecure = flag('Allow communication with an insecure registry');

async function reach(settings: Settings, io: Io, word: string, isInsecure: boolean): Promise<ReachOptions> {
  const insecureRegistry = settings.insecureRegistry || isInsecure;
  const { host } = parseDockerReference(word);
  return { registry: await registryOptions(io, { ...settings, insecureRegistry }, host), environment: io.env };
}

const scopeFor = ({ namespace }: Settings, { signal }: Io) => scopeOf(namespace, { signal });

export const create = localCommand({
  name: 'create',
  summary: 'make a list of manifests, to annotate and push it',
  args: 'MANIFEST_LIST MANIFEST [MANIFEST...]',
  arity: [2, Number.POSITIVE_INFINITY],
  flags: { amend: flag('Amend an existing manifest list', { alias: 'a' }), insecure },
  run: async (settings, { io, flags, args: [target = '', ...words] }) => {
    const lists = listsOf(settings);
    if (!flags.amend && (await lists.get(target)) !== undefined)
      throw alreadyExists('refusing to amend an existing manifest list with no --amend flag: it already exists');
    const scope = scopeFor(settings, io);
    const found = await Promise.all(
      words.map(async (word) => manifestToList(scope, word, await reach(settings, io, word, flags.insecure))),
    );
    for (const each of found) await lists.put(target, each);
    await io.stdout.write(`Created manifest list ${fullReference(target)}\n`);
    return 0;
  },
});

export const annotate = localCommand({
  name: 'annotate',
  summary: 'say for which platform a manifest of a list is',
  args: 'MANIFEST_LIST MANIFEST',
  arity: [2, 2],
  flags: {
    arch: text('Set architecture'),
    os: text('Set operating system'),
    'os-features': list('Set operating system feature'),
    'os-version': text('Set operating system version'),
    variant: text('Set architecture variant'),
  },
  run: async (settings, { flags, args: [target = '', word = ''] }) => {
    const lists = listsOf(settings);
    const ref = fullReference(word);
    const found = await lists.get(target);
    if (found === undefined) throw notFound(`No such manifest: ${target}`);
    const before = found.find((each) => each.ref === ref);
    if (before === undefined) throw notFound(`manifest for image ${word} does not exist in ${target}`);
    const platform = {
      ...before.platform,
      ...(flags.arch !== '' && { architecture: flags.arch }),
      ...(flags.os !== '' && { os: flags.os }),
      ...(flags['os-version'] !== '' && { 'os.version': flags['os-version'] }),
      ...(flags['os-features'].length > 0 && { 'os.features': flags['os-features'] }),
      ...(flags.variant !== '' && { variant: flags.variant }),
    };
    await lists.put(target, { ...before, platform });
    return 0;
  },
});

export const push = localCommand({
  name: 'push',
  summary: 'push a list of manifests',
  args: 'MANIFEST_LIST',
  arity: [1, 1],
  flags: { insecure, purge: flag('Remove the local manifest list after push', { alias: 'p' }) },
  run: async (settings, { io, flags, args: [target = ''] }) => {
    const lists = listsOf(settings);
    const found = await lists.get(target);
    if (found === undefined) throw notFound(`No such manifest: ${target}`);
    const bare = found.find(({ platform }) => platform.os === '' || platform.architecture === '');
    if (bare !== undefined)
      throw invalidArgument(`manifest ${bare.ref} must have an OS and Architecture to be pushed to a registry`);
    const reached = await reach(settings, io, target, flags.insecure);
    const digest = await pushList(scopeFor(settings, io), target, found, reached);
    if (flags.purge) await lists.remove(target);
    await io.stdout.write(`${digest}\n`);
    return 0;
  },
});

export const rm = localCommand({
  name: 'rm',
  summary: 'remove local lists of manifests',
  args: 'MANIFEST_LIST [MANIFEST_LIST...]',
  arity: [1, Number.POSITIVE_INFINITY],
  flags: {},
  run: async (settings, { args }) => {
    for (const word of args) await listsOf(settings).remove(word);
    return 0;
  },
});
