import type { Any } from '#base/any';
import type { Timestamp } from '#base/timestamp';
import type { Labels } from '#core/labels';

export const writeLabels = (labels: Labels): string => JSON.stringify(labels);

/** Most objects have none: those share one object and cost no parsing. */
export const readLabels = (text: string): Labels => (text === '{}' ? none : (JSON.parse(text) as Labels));

const none: Labels = Object.freeze({});

export const readTime = (seconds: number, nanos: number): Timestamp => ({ seconds, nanos });

export function writeExtensions(extensions: Readonly<Record<string, Any>>): string {
  const entries = Object.entries(extensions).map(([name, { typeUrl, value }]) => [
    name,
    { url: typeUrl, value: Buffer.from(value).toString('base64') },
  ]);
  return JSON.stringify(Object.fromEntries(entries));
}

export function readExtensions(text: string): Record<string, Any> {
  if (text === '{}') return {};
  const stored = JSON.parse(text) as Record<string, { readonly url: string; readonly value: string }>;
  return Object.fromEntries(
    Object.entries(stored).map(([name, { url, value }]) => [
      name,
      { typeUrl: url, value: new Uint8Array(Buffer.from(value, 'base64')) },
    ]),
  );
}
