import { invalidArgument, isFault, notFound } from '#base/errors';
import { formatTimestamp } from '#base/timestamp';
import type { Node } from '#core/gc/node';
import type { Explanation, Link } from '#core/gc/why';
import { number } from '../cli/flags.ts';
import type { Io } from '../cli/io.ts';
import type { Session } from './globals.ts';
import { printLines } from './output.ts';

export const whyFlags = {
  chains: number('how many chains to print at most', { default: 10 }),
};

/** Prints why an object is kept. @throws not_found when it is not there; not_implemented, in words, by a daemon that is not Berth */
export async function printWhy(
  { client, scope }: Session,
  io: Io,
  object: Pick<Node, 'kind' | 'key'>,
  maxChains: number,
): Promise<number> {
  if (maxChains < 1) throw invalidArgument('--chains must be at least 1');
  const explanation = await client.kept.why(scope, object, { maxChains }).catch((thrown: unknown) => {
    if (isFault(thrown, 'not_implemented'))
      throw new Error('this daemon cannot say why things are kept: it is not Berth');
    throw thrown;
  });
  const lines = explained(object, scope.namespace, explanation);
  if (explanation.state === 'absent') throw notFound(lines.join());
  await printLines(io, lines);
  return 0;
}

function explained(object: Pick<Node, 'kind' | 'key'>, namespace: string, explanation: Explanation): string[] {
  const { state, chains, more, sharedWith, inUse } = explanation;
  const name = named(object);
  const shared = sharedWith.length === 0 ? [] : [`also in ${list(sharedWith)}`];
  const used = inUse.map((words) => `in use: ${words}`);
  if (state === 'absent') {
    const elsewhere = sharedWith.length === 0 ? '' : ` (it is in ${list(sharedWith)})`;
    return [`${name} in namespace ${namespace}${elsewhere}`];
  }
  const after = [...used, ...shared];
  if (state === 'unreferenced') {
    return [`${name} is not kept: nothing refers to it, and the next collection removes it`, ...after];
  }
  const count = `${chains.length}${more ? ' or more' : ''} ${chains.length === 1 && !more ? 'chain' : 'chains'}`;
  return [`${name} is kept by ${count} of references:`, ...chains.flatMap(chainLines), ...after];
}

/** One object a line, deeper from line to line. */
function chainLines(links: readonly Link[]): string[] {
  return links.map(
    (link, depth) => `${'  '.repeat(depth)}${depth === 0 ? '- ' : '  → '}${named(link)}${notes(link, depth)}`,
  );
}

function notes({ by, flat, expiresAt }: Link, depth: number): string {
  const words = [
    ...(by === '' ? [] : [depth === 0 ? `by its label ${by}` : by]),
    ...(flat ? ['flat'] : []),
    ...(expiresAt === undefined ? [] : [`until ${formatTimestamp(expiresAt).replace(/\.\d+Z$/, 'Z')}`]),
  ];
  return words.length === 0 ? '' : ` (${words.join(', ')})`;
}

const named = ({ kind, key }: Pick<Node, 'kind' | 'key'>): string =>
  kind.startsWith('other/') ? `${kind.slice('other/'.length)} ${key}` : `${kind.replace('/', ' ')} ${key}`;

const list = (namespaces: readonly string[]): string =>
  `${namespaces.length === 1 ? 'namespace' : 'namespaces'} ${namespaces.join(', ')}`;
