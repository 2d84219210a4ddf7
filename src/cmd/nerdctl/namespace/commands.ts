import { failedPrecondition, invalidArgument, isFault, notFound } from '#base/errors';
import { checkIdentifier } from '#lib/identifier';
import { listContainers } from '#ops/container/list';
import type { Engine } from '#ops/engine';
import { Filters } from '#ops/filters';
import { listVolumesBy } from '#ops/volume/list';
import { flag, list, text } from '../../cli/flags.ts';
import { alignTabs, docker } from '../../cli/tabwriter.ts';
import { forEach } from '../container/each.ts';
import { inspectEach } from '../format/inspect.ts';
import { printList } from '../format/list.ts';
import { command } from '../globals.ts';

const labelFlag = { label: list('a label: name=value', { alias: 'l' }) };

/** A label without a value has an empty one. @throws invalid_argument for one without a name */
function labelsOf(words: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    words.map((word) => {
      const at = word.indexOf('=');
      if (at === 0 || word === '') throw invalidArgument(`invalid label ${JSON.stringify(word)}`);
      return at < 0 ? [word, ''] : [word.slice(0, at), word.slice(at + 1)];
    }),
  );
}

const create = command({
  name: 'create',
  summary: 'make a namespace',
  args: 'NAMESPACE',
  arity: [1, 1],
  flags: labelFlag,
  run: async ({ client }, { args: [name = ''], flags }) => {
    await client.namespaces.create({ name, labels: labelsOf(flags.label) });
    return 0;
  },
});

const update = command({
  name: 'update',
  summary: 'change labels of a namespace',
  args: 'NAMESPACE',
  arity: [1, 1],
  completes: ['namespaces'],
  flags: labelFlag,
  run: async ({ client }, { args: [name = ''], flags }) => {
    const labels = labelsOf(flags.label);
    await requireNamespace(client, name);
    const fields = Object.keys(labels).map((key) => `labels.${key}`);
    if (fields.length > 0) await client.namespaces.update({ name, labels }, fields);
    return 0;
  },
});

async function requireNamespace(client: Engine['client'], name: string) {
  checkIdentifier(name);
  const found = (await client.namespaces.list()).find((one) => one.name === name);
  if (found === undefined) throw notFound(`namespace ${JSON.stringify(name)}`);
  return found;
}

const inspect = command({
  name: 'inspect',
  summary: 'show everything about namespaces',
  args: 'NAMESPACE [NAMESPACE...]',
  arity: [1, Number.POSITIVE_INFINITY],
  completes: ['namespaces...'],
  flags: { format: text('json, or a Go template', { alias: 'f' }) },
  run: ({ client }, { io, args, flags }) =>
    inspectEach(io, flags.format, args, async (word) => {
      const { name, labels } = await requireNamespace(client, word);
      return { Name: name, Labels: labels };
    }),
});

const listing = command({
  name: 'ls',
  aliases: ['list'],
  summary: 'list namespaces, with how much is in them',
  args: '',
  arity: [0, 0],
  flags: { format: text('table, json, or a Go template', { alias: 'f' }), quiet: flag('names only', { alias: 'q' }) },
  run: async (engine, { io, flags }) => {
    const names = (await engine.client.namespaces.list()).map(({ name }) => name).sort();
    if (flags.quiet) {
      await io.stdout.write(names.map((name) => `${name}\n`).join(''));
      return 0;
    }
    const rows = await Promise.all(names.map((name) => rowOf(engine, name)));
    if (flags.format !== '') {
      const value = (key: keyof Row) => ({ heading: key.toUpperCase(), value: (row: Row) => row[key] });
      const columns = {
        Name: value('name'),
        Containers: value('containers'),
        Images: value('images'),
        Volumes: value('volumes'),
        Labels: value('labels'),
      };
      const table = 'table {{.Name}}\t{{.Containers}}\t{{.Images}}\t{{.Volumes}}\t{{.Labels}}';
      await printList(io, { type: '*namespace.namespaceContext', table, columns }, rows, { format: flags.format });
      return 0;
    }
    const lines = rows.map((row) => [row.name, row.containers, row.images, row.volumes, row.labels].join('\t'));
    await io.stdout.write(alignTabs(`${['NAME\tCONTAINERS\tIMAGES\tVOLUMES\tLABELS', ...lines].join('\n')}\n`, docker));
    return 0;
  },
});

interface Row {
  readonly name: string;
  readonly containers: number;
  readonly images: number;
  readonly volumes: number;
  readonly labels: string;
}

const within = (engine: Engine, namespace: string): Engine => ({ ...engine, scope: { ...engine.scope, namespace } });

async function rowOf(engine: Engine, name: string): Promise<Row> {
  const there = within(engine, name);
  const [containers, images, volumes, { labels }] = await Promise.all([
    listContainers(there, { all: true }),
    there.client.images.list(there.scope),
    listVolumesBy(there, new Filters(new Map())),
    there.client.namespaces.get(name),
  ]);
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return {
    name,
    containers: containers.length,
    images: images.length,
    volumes: volumes.length,
    labels: pairs.sort().join(','),
  };
}

const remove = command({
  name: 'rm',
  aliases: ['remove'],
  summary: 'remove namespaces that are empty',
  args: 'NAMESPACE [NAMESPACE...]',
  arity: [1, Number.POSITIVE_INFINITY],
  completes: ['namespaces...'],
  flags: { cgroup: flag('remove its control group, too', { alias: 'c' }) },
  run: (engine, { io, args, flags }) =>
    forEach(io, args, async (name) => {
      checkIdentifier(name);
      await engine.client.namespaces.delete(name);
      if (flags.cgroup) await removeCgroups(name);
      return name;
    }),
});

/** Of every hierarchy. One with processes in it says so. */
async function removeCgroups(namespace: string): Promise<void> {
  const { readdir, rmdir, stat } = await import('node:fs/promises');
  const root = '/sys/fs/cgroup';
  const isUnified = await stat(`${root}/cgroup.controllers`).then(
    () => true,
    () => false,
  );
  const hierarchies = isUnified ? [root] : (await readdir(root)).map((name) => `${root}/${name}`);
  for (const hierarchy of hierarchies)
    await rmdir(`${hierarchy}/${namespace}`).catch((thrown: unknown) => {
      if (isFault(thrown, 'not_found')) return;
      throw failedPrecondition(`control group ${hierarchy}/${namespace}`, thrown);
    });
}

export default [create, inspect, listing, remove, update];
