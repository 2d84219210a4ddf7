import { definePlugin } from '#core/plugin/plugin';
import { every } from '#core/plugin/slot';
import { SandboxController } from '#core/sandboxes/controller';
import { GrpcService } from '#rpc/grpc-services';
import { serveSandboxControllers } from '#rpc/sandboxes/controller-server';

export default definePlugin({
  slot: GrpcService,
  id: 'sandbox-controllers',
  needs: { controllers: every(SandboxController) },
  start: (_, { controllers }) => serveSandboxControllers(controllers),
});
