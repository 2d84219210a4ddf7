import { expect, test } from 'bun:test';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { startBusyboxDaemon } from '#test/support/busybox-daemon';
import { startDaemon } from '#test/support/daemon';

interface SentSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly kind: number;
  readonly status?: { readonly code?: number; readonly message?: string };
}

/** A collector that takes OTLP as JSON, and notes what else comes. */
class Collector implements AsyncDisposable {
  readonly spans: SentSpan[] = [];
  readonly requests: { readonly path: string; readonly type: string; readonly key: string; readonly bytes: number }[] =
    [];
  service = '';
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks);
        const type = request.headers['content-type'] ?? '';
        this.requests.push({
          path: request.url ?? '',
          type,
          key: String(request.headers['x-key']),
          bytes: body.length,
        });
        if (type === 'application/json') this.#take(JSON.parse(body.toString()));
        response.writeHead(200, { 'content-type': type }).end(type === 'application/json' ? '{}' : '');
      });
    });
  }

  static async start(): Promise<Collector> {
    const collector = new Collector();
    await new Promise<void>((resolve) => collector.#server.listen(0, '127.0.0.1', resolve));
    return collector;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  #take(body: Body): void {
    for (const { resource, scopeSpans } of body.resourceSpans) {
      this.service = resource.attributes.find(({ key }) => key === 'service.name')?.value.stringValue ?? '';
      for (const { spans } of scopeSpans) this.spans.push(...spans);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

interface Body {
  readonly resourceSpans: readonly {
    readonly resource: {
      readonly attributes: readonly { readonly key: string; readonly value: { readonly stringValue?: string } }[];
    };
    readonly scopeSpans: readonly { readonly spans: readonly SentSpan[] }[];
  }[];
}

const traceId = '0af7651916cd43dd8448eb211c80319c';

/** A call as a client makes it that traces itself. */
function tracedCall(address: string): Promise<void> {
  using client = disposable(new Client(`unix:${address}`, credentials.createInsecure()));
  const metadata = new Metadata();
  metadata.set('traceparent', `00-${traceId}-b7ad6b7169203331-01`);
  const raw = (bytes: Buffer) => bytes;
  const path = '/containerd.services.version.v1.Version/Version';
  return new Promise((resolve, reject) => {
    client.it.makeUnaryRequest(path, raw, raw, Buffer.alloc(0), metadata, (error) =>
      error ? reject(error) : resolve(),
    );
  });
}

const disposable = (it: Client) => ({ it, [Symbol.dispose]: () => void setTimeout(() => it.close(), 100) });

const variables = (collector: Collector, protocol: string) => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
  OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
  OTEL_EXPORTER_OTLP_HEADERS: 'x-key=secret',
  OTEL_SERVICE_NAME: 'engine-under-test',
});

test("calls become spans that continue the caller's trace, with what is done within them", async () => {
  await using collector = await Collector.start();
  {
    await using busybox = await startBusyboxDaemon({ env: variables(collector, 'http/json') });
    const { daemon, scope } = busybox;
    await tracedCall(daemon.address);
    const ctr = (...args: readonly string[]) => daemon.ctr('-n', scope.namespace, ...args);
    expect(await ctr('run', '--rm', 'busybox', `traced-${process.pid}`, 'true')).toMatchObject({ code: 0 });
    expect(await ctr('run', '--rm', 'no/such:image', `traced-${process.pid}`, 'true')).toMatchObject({ code: 1 });
  } // what is left is sent when the daemon stops
  const named = (name: string) => collector.spans.filter((span) => span.name === name);
  const service = (name: string) => `containerd.services.${name}`;
  expect(collector.service).toBe('engine-under-test');
  expect(collector.requests[0]).toMatchObject({ path: '/v1/traces', key: 'secret' });
  expect(named(service('version.v1.Version/Version'))[0]).toMatchObject({
    kind: 2,
    traceId,
    parentSpanId: 'b7ad6b7169203331',
  });
  const [create] = named(service('tasks.v1.Tasks/Create'));
  for (const inner of ['start shim', 'containerd.task.v2.Task/Create'])
    expect([inner, named(inner)[0]]).toMatchObject([inner, { traceId: create?.traceId, parentSpanId: create?.spanId }]);
  const [pull] = named(service('transfer.v1.Transfer/Transfer'));
  for (const inner of ['downloading', 'extracting'])
    expect([inner, named(inner)[0]]).toMatchObject([inner, { parentSpanId: pull?.spanId }]);
  const refused = named(service('images.v1.Images/Get')).find(({ status }) => status?.code === 2);
  expect(refused?.status?.message).toContain('not found');
}, 120_000);

test('the usual protocol is protobuf over HTTP; what OTLP does not have is said, and the daemon serves without', async () => {
  await using collector = await Collector.start();
  {
    await using daemon = await startDaemon({ env: variables(collector, '') });
    await tracedCall(daemon.address);
  }
  expect(collector.requests[0]).toMatchObject({ path: '/v1/traces', type: 'application/x-protobuf', key: 'secret' });
  await using daemon = await startDaemon({ env: variables(collector, 'smoke signals') });
  expect(daemon.log).toContain('smoke signals: wanted http/protobuf, http/json or grpc');
  await tracedCall(daemon.address);
}, 120_000);

test('a collector that is not there costs nothing but the spans', async () => {
  await using daemon = await startDaemon({
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', OTEL_EXPORTER_OTLP_TIMEOUT: '500' },
  });
  for (let at = 0; at < 20; at++) await tracedCall(daemon.address);
  await daemon.kill();
  expect(daemon.log).toContain('the last spans were not sent');
  expect(daemon.log).not.toContain('plugin did not stop as it should');
}, 120_000);
