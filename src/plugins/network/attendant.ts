import { Networks } from '#core/networks/networks';
import { definePlugin } from '#core/plugin/plugin';
import { one } from '#core/plugin/slot';
import { TaskAttendant } from '#core/runtime/task-attendant';

/** Gives tasks their networks. */
export default definePlugin({
  slot: TaskAttendant,
  id: 'networks',
  needs: { networks: one(Networks, 'networks') },
  start: (_, { networks }) => networks.attendant,
});
