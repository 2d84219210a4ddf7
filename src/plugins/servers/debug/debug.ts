import type { IncomingMessage, ServerResponse } from 'node:http';
import { table } from '#base/config';
import { messageOf } from '#base/errors';
import type { Log } from '#base/log';
import type { DaemonInfo } from '#core/plugin/daemon-info';
import { definePlugin, SkipPlugin } from '#core/plugin/plugin';
import { debugFields, Server } from '#core/servers/server';
import { withSocketOwner } from '#core/servers/socket-owner';
import { listenHttp } from '#lib/http-listen';
import { removeStale } from '#rpc/listen';

/** HTTP for diagnosis on a unix socket, with paths as containerd has them; what they give is of our runtime. */
export default definePlugin({
  slot: Server,
  id: 'debug',
  config: table(debugFields),
  async start({ config, daemon, log }) {
    const { address } = config;
    if (address === '') throw new SkipPlugin('no address is configured');
    await removeStale(address);
    const server = await withSocketOwner(address, config, () =>
      listenHttp({ path: address }, (request, response) => void answer(request, response, daemon, log)),
    );
    log.info('serving...', { address });
    return { address, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
  },
});

async function answer(request: IncomingMessage, response: ServerResponse, daemon: DaemonInfo, log: Log): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://debug');
  const page = pages[url.pathname];
  if (page === undefined) {
    response.writeHead(404, { 'content-type': 'text/plain' }).end(`wanted one of ${Object.keys(pages).join(' ')}\n`);
    return;
  }
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  try {
    const { type, body } = await page(daemon, url.searchParams, gone.signal);
    response.writeHead(200, { 'content-type': type }).end(body);
  } catch (thrown) {
    if (gone.signal.aborted) return;
    log.warn('debug page', { path: url.pathname, error: thrown });
    response.writeHead(500, { 'content-type': 'text/plain' }).end(`${messageOf(thrown)}\n`);
  }
}

interface Page {
  readonly type: string;
  readonly body: string;
}
const json = (value: unknown): Page => ({ type: 'application/json', body: `${JSON.stringify(value, null, 1)}\n` });
const plain = (body: string): Page => ({ type: 'text/plain', body });

const pages: Readonly<
  Record<string, (daemon: DaemonInfo, query: URLSearchParams, signal: AbortSignal) => Page | Promise<Page>>
> = {
  '/debug/vars': ({ version, revision }) =>
    json({
      cmdline: process.argv,
      version,
      revision,
      pid: process.pid,
      uptimeSeconds: process.uptime(),
      memstats: process.memoryUsage(),
    }),
  '/debug/plugins': (daemon) => json(daemon.plugins()),
  '/debug/operations': (daemon) => json(daemon.operations.list()),
  '/debug/pprof/': () => plain(`${Object.keys(pages).join('\n')}\n`),
  '/debug/pprof/cmdline': () => plain(process.argv.join('\0')),
  '/debug/pprof/goroutine': (daemon) => plain(operationsText(daemon)),
  '/debug/pprof/heap': async () => {
    const { heapSnapshot } = await import('./profile.ts');
    const chunks: Buffer[] = [];
    for await (const chunk of heapSnapshot()) chunks.push(Buffer.from(chunk as Uint8Array));
    return { type: 'application/octet-stream', body: Buffer.concat(chunks).toString() };
  },
  '/debug/pprof/profile': async (_, query, signal) => {
    const { cpuProfile } = await import('./profile.ts');
    const seconds = Math.min(Math.max(Number(query.get('seconds') ?? 30) || 30, 0.01), 300);
    return { type: 'application/octet-stream', body: await cpuProfile(seconds, signal) };
  },
};

/** What Go shows as the stacks of goroutines: what goes on, and since when. */
function operationsText({ operations }: DaemonInfo): string {
  const pending = operations.list();
  const lines = pending.map(
    ({ kind, subject, startedAtMs }) => `${kind} ${subject} [${((Date.now() - startedAtMs) / 1000).toFixed(3)} s]`,
  );
  return [`pending operations: ${pending.length}`, ...lines, ''].join('\n');
}
