import { parseTimestamp, toMillis } from '#base/timestamp';
import type { Labels } from '#core/labels';
import type { Node, NodeKind } from './node.ts';

const prefix = 'containerd.io/gc.';

/** What a store may note of labels when it writes them, so that a collection need not read those of every object. */
export const gcFlag = { root: 1, backReference: 2, reference: 4 } as const;

/** The flags of an object with these labels, added up. */
export function gcFlags(labels: Labels): number {
  let flags = 0;
  for (const key of Object.keys(labels)) {
    if (!key.startsWith(prefix)) continue;
    if (key === `${prefix}root`) flags |= gcFlag.root;
    else if (key.startsWith(`${prefix}ref.`)) flags |= gcFlag.reference;
    else if (key.startsWith(`${prefix}bref.`)) flags |= gcFlag.backReference;
  }
  return flags;
}

/** Whether an update takes away a label that may have kept something, so that a collection may find work. */
export const letsGo = (before: Labels, after: Labels): boolean =>
  Object.entries(before).some(([key, value]) => key.startsWith(prefix) && after[key] !== value);

/** What the object refers to by `gc.ref.content[.x|/x]`, `gc.ref.image[.x|/x]` and `gc.ref.snapshot.<snapshotter>[/x]`. */
export const labelReferences = (labels: Labels, namespace: string): Node[] => read(labels, namespace, 'ref.');

/** Whose life the object shares by `gc.bref.…`: it is kept when one of these is. */
export const labelBackReferences = (labels: Labels, namespace: string): Node[] => read(labels, namespace, 'bref.');

/** The moment of `gc.expire` in milliseconds; `undefined` for none, and for a text that is no RFC 3339: that never expires. */
export function expiry(labels: Labels): number | undefined {
  const text = labels[`${prefix}expire`];
  if (text === undefined) return undefined;
  const at = parseTimestamp(text);
  return at === undefined ? undefined : toMillis(at);
}

export const isFlat = (labels: Labels): boolean => Object.hasOwn(labels, `${prefix}flat`);

function read(labels: Labels, namespace: string, kindOfReference: 'ref.' | 'bref.'): Node[] {
  const found: Node[] = [];
  const start = prefix + kindOfReference;
  for (const [label, key] of Object.entries(labels)) {
    if (!label.startsWith(start)) continue;
    const kind = kindOf(label.slice(start.length), kindOfReference === 'bref.');
    if (kind !== undefined) found.push({ kind, namespace, key });
  }
  return found;
}

function kindOf(rest: string, back: boolean): NodeKind | undefined {
  if (rest.startsWith('snapshot.')) {
    const [snapshotter = ''] = rest.slice('snapshot.'.length).split('/', 1);
    return snapshotter === '' ? undefined : `snapshot/${snapshotter}`;
  }
  const [word = ''] = rest.split(/[./]/, 1);
  if (word === 'content' || word === 'image') return word;
  return back && word === 'container' ? word : undefined;
}
