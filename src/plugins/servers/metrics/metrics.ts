import { table } from '#base/config';
import { invalidArgument } from '#base/errors';
import { definePlugin, SkipPlugin } from '#core/plugin/plugin';
import { metricsFields, Server } from '#core/servers/server';
import { listenHttp } from '#lib/http-listen';
import { processMetrics } from './process-metrics.ts';

/** Figures for Prometheus over HTTP, at containerd's place and under containerd's names. */
export default definePlugin({
  slot: Server,
  id: 'metrics',
  config: table(metricsFields),
  async start({ config, daemon: { metrics, version, revision }, log }) {
    if (config.address === '') throw new SkipPlugin('no address is configured');
    const { host, port } = parse(config.address);
    metrics
      .counter('containerd_build_info_total', 'Information about the build.', ['version', 'revision'])
      .set(1, version, revision);
    processMetrics(metrics);
    const server = await listenHttp({ host, port }, async (request, response) => {
      if (request.url?.split('?')[0] !== '/v1/metrics') {
        response.writeHead(404, { 'content-type': 'text/plain' }).end('404 page not found\n');
        return;
      }
      const text = await metrics.text((name, error) => log.warn('cannot read a metric', { name, error }));
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(text);
    });
    const address = `${host.includes(':') ? `[${host}]` : host}:${server.port}`;
    log.info('serving...', { address });
    return { address, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
  },
});

/** `host:port`, `[::1]:port`, or `:port` for all interfaces. */
function parse(address: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(address);
  const port = Number(match?.[3]);
  if (match === null || port > 65535)
    throw invalidArgument(`metrics: address: wanted host:port, got ${JSON.stringify(address)}`);
  return { host: match[1] ?? (match[2] === '' ? '::' : (match[2] ?? '')), port };
}
