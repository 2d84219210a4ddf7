import { summarizeAll } from '#core/engine/summarize-all';
import { Metadata } from '#core/metadata';
import { definePlugin } from '#core/plugin/plugin';
import { one } from '#core/plugin/slot';
import { Tasks } from '#core/runtime/tasks';
import { serveEngine } from '#rpc/engine/server';
import { GrpcService } from '#rpc/grpc-services';

/** Berth's own: containers as lists show them. */
export default definePlugin({
  slot: GrpcService,
  id: 'engine',
  needs: { metadata: one(Metadata), tasks: one(Tasks, 'tasks-service') },
  start: (_, { metadata, tasks }) =>
    serveEngine({ list: (scope) => summarizeAll({ containers: metadata.containers, tasks }, scope) }),
});
