import { definePlugin } from '#core/plugin/plugin';
import { GrpcService } from '#rpc/grpc-services';
import { serveHealth } from '#rpc/health/server';

export default definePlugin({ slot: GrpcService, id: 'healthcheck', start: () => serveHealth() });
