import { invalidArgument } from '#base/errors';
import { compare, type Timestamp } from '#base/timestamp';
import type { ContainerSummary } from '#core/engine/container-summary';
import type { Engine } from '../engine.ts';
import { type Filters, nameMatcher } from '../filters.ts';
import { summaryOf } from './list.ts';

/** docker's filters of `ps`. */
export const containerFilters = [
  'ancestor',
  'before',
  'exited',
  'expose',
  'health',
  'id',
  'isolation',
  'is-task',
  'label',
  'label!',
  'name',
  'network',
  'publish',
  'since',
  'status',
  'volume',
] as const;

type Predicate = (one: ContainerSummary) => boolean | Promise<boolean>;

const states = ['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead'];
const healths = ['none', 'starting', 'healthy', 'unhealthy'];

/** What must hold of a container. @throws as `listContainers` */
export async function containerPredicate(
  engine: Engine,
  filters: Filters,
  all: readonly ContainerSummary[],
): Promise<Predicate> {
  for (const state of filters.all('status'))
    if (!states.includes(state)) throw invalidArgument(`Invalid filter 'status=${state}'`);
  for (const health of filters.all('health'))
    if (!healths.includes(health)) throw invalidArgument(`Unrecognised filter value for health: ${health}`);
  // There are no swarms here, and no isolation but the one.
  const isTask = filters.yesNo('is-task') ?? false;
  const exited = filters.all('exited').map(exitCodeOf);
  const ports = { publish: filters.all('publish').map(portRange), expose: filters.all('expose').map(portRange) };
  const names = await Promise.all(filters.all('name').map(nameMatcher));
  const ids = await Promise.all(filters.all('id').map(nameMatcher));
  const [before, since] = [timesOf(filters, 'before', all), timesOf(filters, 'since', all)];
  const ancestors = await ancestorImages(engine, filters);
  return async (one) =>
    !isTask &&
    filters.labels({ ...one.recordLabels, ...one.labels }) &&
    filters.exact('status', one.state) &&
    filters.exact('health', one.health ?? 'none') &&
    filters.exact('isolation', 'default') &&
    (exited.length === 0 || (one.finishedAt !== '' && exited.includes(one.exitCode))) &&
    (names.length === 0 || names.some((matches) => matches(one.name) || matches(`/${one.name}`))) &&
    (ids.length === 0 || ids.some((matches) => matches(one.id))) &&
    before.every((at) => compare(one.createdAt, at) < 0) &&
    since.every((at) => compare(one.createdAt, at) > 0) &&
    filters.some('volume', (word) => hasVolume(one, word)) &&
    filters.some('network', (word) => isInNetwork(one, word)) &&
    (ports.publish.length === 0 || ports.publish.some((range) => publishes(one, range))) &&
    (ports.expose.length === 0 || ports.expose.some((range) => exposes(one, range))) &&
    (ancestors === undefined || ancestors(one));
}

const timesOf = (filters: Filters, key: string, all: readonly ContainerSummary[]): readonly Timestamp[] =>
  filters.all(key).map((word) => summaryOf(all, word).createdAt);

function exitCodeOf(text: string): number {
  if (!/^[+-]?\d+$/.test(text)) throw invalidArgument(`strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}

interface PortRange {
  readonly from: number;
  readonly to: number;
  readonly protocol: string;
}

function portRange(text: string): PortRange {
  const match = /^(\d+)(?:-(\d+))?(?:\/(tcp|udp|sctp))?$/.exec(text);
  const [from, to] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
  if (match === null || from > to || to > 65535) throw invalidArgument(`invalid port: ${JSON.stringify(text)}`);
  return { from, to, protocol: match[3] ?? 'tcp' };
}

const within = ({ from, to, protocol }: PortRange, port: number, of: string): boolean =>
  protocol === of && port >= from && port <= to;

const publishes = ({ ports }: ContainerSummary, range: PortRange): boolean =>
  ports.some(({ hostPort, protocol }) => hostPort > 0 && within(range, hostPort, protocol));
const exposes = ({ ports }: ContainerSummary, range: PortRange): boolean =>
  ports.some(({ containerPort, protocol }) => within(range, containerPort, protocol));

const hasVolume = ({ mounts }: ContainerSummary, word: string): boolean =>
  mounts.some(({ name, source, destination }) => [name, source, destination].includes(word));

function isInNetwork({ attachments, networkMode }: ContainerSummary, word: string): boolean {
  if (networkMode !== 'networks') return networkMode === word;
  return attachments.some(({ network }) => network === word);
}

/** Containers of these images, or of images made of them: those that have all their layers. */
async function ancestorImages(
  engine: Engine,
  filters: Filters,
): Promise<((one: ContainerSummary) => boolean) | undefined> {
  if (!filters.has('ancestor')) return undefined;
  const { ancestry } = await import('../image/ancestry.ts');
  return await ancestry(engine, filters.all('ancestor'));
}
