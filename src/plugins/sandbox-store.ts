import { Metadata } from '#core/metadata';
import { definePlugin } from '#core/plugin/plugin';
import { one } from '#core/plugin/slot';
import { SandboxStore } from '#core/sandboxes/sandboxes';

/** The records of sandboxes: the metadata's, under the name by which others ask for them. */
export default definePlugin({
  slot: SandboxStore,
  id: 'local',
  needs: { metadata: one(Metadata) },
  start: (_, { metadata }) => metadata.sandboxes,
});
