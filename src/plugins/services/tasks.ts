import { definePlugin } from '#core/plugin/plugin';
import { one } from '#core/plugin/slot';
import { Tasks } from '#core/runtime/tasks';
import { GrpcService } from '#rpc/grpc-services';
import { serveTasks } from '#rpc/tasks/server';

export default definePlugin({
  slot: GrpcService,
  id: 'tasks',
  needs: { tasks: one(Tasks, 'tasks-service') },
  start: (_, { tasks }) => serveTasks(tasks),
});
