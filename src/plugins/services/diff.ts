import { OrderedDiffer } from '#core/diff/diff';
import { definePlugin } from '#core/plugin/plugin';
import { one } from '#core/plugin/slot';
import { serveDiff } from '#rpc/diff/server';
import { GrpcService } from '#rpc/grpc-services';

export default definePlugin({
  slot: GrpcService,
  id: 'diff',
  needs: { differ: one(OrderedDiffer, 'diff-service') },
  start: (_, { differ }) => serveDiff(differ),
});
