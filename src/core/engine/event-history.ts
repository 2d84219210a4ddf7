import type { Any } from '#base/any';
import type { Envelope } from '#core/events/events';

/** The plugin that remembers what happened of late, and the question by which it is asked. */
export const historyPlugin = { type: 'io.berth.engine.v1', id: 'event-history' } as const;

export const historyQuestion: Any = { typeUrl: 'berth.engine.v1.EventHistoryRequest', value: new Uint8Array() };
const answerUrl = 'berth.engine.v1.EventHistory';

/** As many as docker remembers. */
export const keptEvents = 256;

/** What of all that is published is remembered: what happens to containers, images and networks. */
export const rememberedTopics = /^\/(?:containers|tasks|images|networks)\//;

export const packHistory = (events: readonly Envelope[]): Any => ({
  typeUrl: answerUrl,
  value: Buffer.from(
    JSON.stringify(
      events.map(({ event, ...envelope }) => ({
        ...envelope,
        event: { typeUrl: event.typeUrl, value: Buffer.from(event.value).toString('base64') },
      })),
    ),
  ),
});

/** The oldest first. */
export function unpackHistory({ value }: Any): readonly Envelope[] {
  const found = JSON.parse(Buffer.from(value).toString()) as (Omit<Envelope, 'event'> & {
    readonly event: { readonly typeUrl: string; readonly value: string };
  })[];
  return found.map(({ event, ...envelope }) => ({
    ...envelope,
    event: { typeUrl: event.typeUrl, value: Buffer.from(event.value, 'base64') },
  }));
}
