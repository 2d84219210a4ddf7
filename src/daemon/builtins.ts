import type { AnyPlugin } from '#core/plugin/plugin';
import exchange from '#plugins/events/exchange';
import debugServer from '#plugins/servers/debug/debug';
import grpcServer from '#plugins/servers/grpc/grpc';
import metricsServer from '#plugins/servers/metrics/metrics';
import ttrpcServer from '#plugins/servers/ttrpc/ttrpc';
import eventsService from '#plugins/services/events';
import healthcheckService from '#plugins/services/healthcheck';
import introspectionService from '#plugins/services/introspection';
import versionService from '#plugins/services/version';

/** What the daemon is made of. The order is that of the plugin list, as far as needs leave it free. */
export const builtins: readonly AnyPlugin[] = [
  exchange,
  eventsService,
  healthcheckService,
  introspectionService,
  versionService,
  debugServer,
  metricsServer,
  ttrpcServer,
  grpcServer,
];
