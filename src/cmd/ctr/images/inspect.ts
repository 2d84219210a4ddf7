import { invalidArgument, isFault } from '#base/errors';
import type { Descriptor } from '#core/descriptor';
import { readBlob, readManifestOrIndex } from '#core/images/image-content';
import { maxConfigBytes } from '#lib/oci/image-config';
import { maxManifestBytes } from '#lib/oci/manifest';
import { isConfigType, isIndexType, isManifestType } from '#lib/oci/media-types';
import { formatPlatform } from '#lib/platform';
import { flag } from '../../cli/flags.ts';
import { command, type Session } from '../globals.ts';
import { goTime, printLine, printLines } from '../output.ts';

export default command({
  name: 'inspect',
  aliases: ['i'],
  summary: 'inspect an image',
  args: '<image> [flags]',
  description: 'Show what an image is made of, as a tree.',
  completes: ['images'],
  flags: { content: flag('Show JSON content') },
  run: async (session, { io, args: [name, ...more], flags }) => {
    // Unlike everywhere else the flag may come behind, as the usage has it.
    const content = flags.content || more.includes('--content') || more.includes('-content');
    if (name === undefined || name === '') throw invalidArgument('please provide an image name to inspect');
    const image = await session.client.images.get(session.scope, name);
    await printLine(io, image.name);
    await printLines(io, [
      `│    Created: ${goTime(image.createdAt)}`,
      `│    Updated: ${goTime(image.updatedAt)}`,
      ...Object.entries(image.labels).map(
        ([key, value]) => `│    Label ${JSON.stringify(key)}: ${JSON.stringify(value)}`,
      ),
    ]);
    for await (const line of branch(session, image.target, { first: '└── ', below: '    ', content, depth: 0 }))
      await printLine(io, line);
    return 0;
  },
});

interface Branch {
  /** What stands before the node's own line, and before all others. */
  readonly first: string;
  readonly below: string;
  readonly content: boolean;
  readonly depth: number;
}

/** Deeper than any image; a loop of documents ends here. */
const maxDepth = 16;

async function* branch(session: Session, descriptor: Descriptor, at: Branch): AsyncGenerator<string> {
  const { mediaType, digest, size, platform } = descriptor;
  if (at.depth > maxDepth) throw invalidArgument(`image nests indexes too deeply at ${digest}`);
  yield `${at.first}${mediaType} @${digest} (${size} bytes)`;
  const children = await childrenOf(session, descriptor);
  if (platform !== undefined) yield `${at.below}│    Platform: ${formatPlatform(platform)}`;
  const aside = children.length > 0 ? '│   ' : '';
  if (at.content) for (const line of await details(session, descriptor)) yield `${at.below}${aside}${line}`;
  for (const [index, child] of children.entries()) {
    const last = index === children.length - 1;
    yield* branch(session, child, {
      ...at,
      first: `${at.below}${last ? '└── ' : '├── '}`,
      below: `${at.below}${last ? '    ' : '│   '}`,
      depth: at.depth + 1,
    });
  }
}

const isDocument = (mediaType: string): boolean => isManifestType(mediaType) || isIndexType(mediaType);

/** What a document refers to; nothing where it is not here. */
async function childrenOf({ client, scope }: Session, descriptor: Descriptor): Promise<readonly Descriptor[]> {
  if (!isDocument(descriptor.mediaType)) return [];
  const document = await orNothing(readManifestOrIndex(client.content, scope, descriptor));
  if (document === undefined) return [];
  return document.kind === 'index' ? document.manifests : [document.config, ...document.layers];
}

/** A blob's labels, and what it says where it is JSON, in boxes. */
async function details({ client, scope }: Session, descriptor: Descriptor): Promise<readonly string[]> {
  const { mediaType } = descriptor;
  if (!isDocument(mediaType) && !isConfigType(mediaType)) return [];
  const info = await orNothing(client.content.info(scope, descriptor.digest));
  if (info === undefined) return [];
  const labels = Object.entries(info.labels).map(([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`);
  const bytes = await readBlob(client.content, scope, descriptor, Math.max(maxManifestBytes, maxConfigBytes));
  return [...(labels.length === 0 ? [] : box('Labels', labels)), ...box('Content', pretty(bytes))];
}

const box = (title: string, lines: readonly string[]): readonly string[] => [
  `┌────────${title}${'─'.repeat(15 - title.length)}`,
  ...lines.map((line) => `│${line}`),
  '└───────────────────────',
];

/** The document over several lines; one that is no JSON as it is. */
function pretty(bytes: Uint8Array): readonly string[] {
  const text = new TextDecoder().decode(bytes);
  try {
    return JSON.stringify(JSON.parse(text), undefined, 3).split('\n');
  } catch {
    return text.split('\n');
  }
}

async function orNothing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (thrown) {
    if (isFault(thrown, 'not_found')) return undefined;
    throw thrown;
  }
}
