import { parseDuration } from '#base/duration';
import { parseTimestamp, toMillis } from '#base/timestamp';
import type { Labels } from '#core/labels';
import type { NodeKind, Reference } from './node.ts';

const prefix = 'containerd.io/gc.';

/** What a store may note of labels when it writes them, so that a collection need not read those of every object. */
export const gcFlag = { root: 1, backReference: 2, reference: 4 } as const;

/** The flags of an object with these labels, added up. With a change here, stores that have noted them must write them anew. */
export function gcFlags(labels: Labels): number {
  let flags = 0;
  for (const key of Object.keys(labels)) {
    if (!key.startsWith(prefix)) continue;
    const rest = key.slice(prefix.length);
    // containerd takes whatever begins like this for a root, too.
    if (rest.startsWith('root')) flags |= gcFlag.root;
    else if (rest.startsWith('ref.') || rest.startsWith('cond.snapshot')) flags |= gcFlag.reference;
    else if (rest.startsWith('bref.')) flags |= gcFlag.backReference;
  }
  return flags;
}

/** Whether an update takes away a label that may have kept something, so that a collection may find work. */
export const letsGo = (before: Labels, after: Labels): boolean =>
  Object.entries(before).some(([key, value]) => key.startsWith(prefix) && after[key] !== value);

/**
 * What the object refers to by `gc.ref.content[.x|/x]`, `gc.ref.image[.x|/x]`, `gc.ref.snapshot.<snapshotter>[/x]` and, for the given kinds of
 * collectibles, `gc.ref.<kind>[.x|/x]`.
 */
export const labelReferences = (labels: Labels, namespace: string, others?: ReadonlySet<string>): Reference[] =>
  read(labels, namespace, 'ref.', others);

/** Whose life the object shares by `gc.bref.…`: it is kept when one of these is. */
export const labelBackReferences = (labels: Labels, namespace: string): Reference[] => read(labels, namespace, 'bref.');

/** A snapshot that is kept with an image or a blob as long as its use was, or was not, so long ago. */
export interface ConditionalReference extends Reference {
  /** Whether the condition holds for a snapshot that was used at `usedAtMs`. */
  holds(usedAtMs: number, nowMs: number): boolean;
}

/** What `gc.cond.snapshot.<snapshotter>[/x]` says: `usedat<24h|key`, or several such conditions before the bar, of which one must hold. */
export function conditionalReferences(labels: Labels, namespace: string): ConditionalReference[] {
  const found: ConditionalReference[] = [];
  for (const [by, text] of Object.entries(labels)) {
    if (!by.startsWith(`${prefix}cond.snapshot.`)) continue;
    const [snapshotter = ''] = by.slice(`${prefix}cond.snapshot.`.length).split('/', 1);
    const bar = text.indexOf('|');
    if (snapshotter === '' || bar === -1) continue;
    const key = text.slice(bar + 1);
    for (const condition of text.slice(0, bar).split(',')) {
      const [, operator, duration = ''] = /^usedat([<>])([^<>=!]*)$/.exec(condition) ?? [];
      const limitMs = parseDuration(duration);
      if (operator === undefined || limitMs === undefined) continue;
      const holds = (usedAtMs: number, nowMs: number) =>
        operator === '<' ? nowMs - usedAtMs < limitMs : nowMs - usedAtMs > limitMs;
      found.push({ kind: `snapshot/${snapshotter}`, namespace, key, by, holds });
    }
  }
  return found;
}

/** When a snapshot was used, by its `gc.cond.value-usedat` labels: the times that conditions look at, in milliseconds. */
export function usedAt(labels: Labels): number[] {
  return Object.entries(labels)
    .filter(([label]) => label.startsWith(`${prefix}cond.value-usedat`))
    .map(([, text]) => parseTimestamp(text))
    .filter((at) => at !== undefined)
    .map(toMillis);
}

/** The moment of `gc.expire` in milliseconds; `undefined` for none, and for a text that is no RFC 3339: that never expires. */
export function expiry(labels: Labels): number | undefined {
  const text = labels[`${prefix}expire`];
  if (text === undefined) return undefined;
  const at = parseTimestamp(text);
  return at === undefined ? undefined : toMillis(at);
}

export const isFlat = (labels: Labels): boolean => Object.hasOwn(labels, `${prefix}flat`);

function read(
  labels: Labels,
  namespace: string,
  kindOfReference: 'ref.' | 'bref.',
  others?: ReadonlySet<string>,
): Reference[] {
  const found: Reference[] = [];
  const start = prefix + kindOfReference;
  for (const [by, key] of Object.entries(labels)) {
    if (!by.startsWith(start)) continue;
    const kind = kindOf(by.slice(start.length), kindOfReference === 'bref.', others);
    if (kind !== undefined) found.push({ kind, namespace, key, by });
  }
  return found;
}

function kindOf(rest: string, back: boolean, others: ReadonlySet<string> | undefined): NodeKind | undefined {
  if (rest.startsWith('snapshot.')) {
    const [snapshotter = ''] = rest.slice('snapshot.'.length).split('/', 1);
    return snapshotter === '' ? undefined : `snapshot/${snapshotter}`;
  }
  const [word = ''] = rest.split(/[./]/, 1);
  if (word === 'content' || word === 'image') return word;
  if (back && word === 'container') return word;
  return others?.has(word) === true ? `other/${word}` : undefined;
}
