import { Metadata } from '#core/metadata';
import { definePlugin } from '#core/plugin/plugin';
import { one } from '#core/plugin/slot';
import { StreamRegistry, Streams } from '#rpc/streaming/registry';

/** Where services find the streams that clients have opened. */
export default definePlugin({
  slot: Streams,
  id: 'manager',
  needs: { metadata: one(Metadata) },
  start(_, { metadata }) {
    const registry = new StreamRegistry();
    registry.collectBy((collectible) => metadata.addCollectible(collectible));
    return registry;
  },
});
