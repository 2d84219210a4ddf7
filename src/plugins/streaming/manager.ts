import { definePlugin } from '#core/plugin/plugin';
import { StreamRegistry, Streams } from '#rpc/streaming/registry';

/** Where services find the streams that clients have opened. */
export default definePlugin({ slot: Streams, id: 'manager', start: () => new StreamRegistry() });
