import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import { TaskExitSchema } from '#api/events/task_pb';
import { ForwardRequestSchema, Events as TtrpcEvents } from '#api/services/ttrpc/events/v1/events_pb';
import { defer } from '#base/disposal';
import { faultOf } from '#core/subject';
import { connectTtrpc } from '#lib/ttrpc/client';
import { MemorySnapshotter } from '#plugins/metadata/memory-snapshotter.fixture';
import { remoteEvents } from '#rpc/events/client';
import { createGrpcServer } from '#rpc/grpc-server';
import { listen } from '#rpc/listen';
import { serveSnapshots } from '#rpc/snapshots/server';
import { type ClientTls, openTransport } from '#rpc/transport';
import { remoteVersion } from '#rpc/version/client';
import { CertificateAuthority } from '#test/support/certificates';
import { startDaemon, TestDaemon } from '#test/support/daemon';

const main = join(import.meta.dirname, '../../../src/main.ts');

/** Address as logged: ports are free ones. */
const logged = (log: string, plugin: string) =>
  new RegExp(`msg=serving\\.\\.\\. address="?([^" ]+)"? plugin=${plugin.replaceAll('.', '\\.')}`).exec(log)?.[1] ?? '';

const read = (path: string) =>
  Bun.file(path)
    .arrayBuffer()
    .then((bytes) => Buffer.from(bytes));

async function attempt(address: string, tls?: ClientTls): Promise<string> {
  using transport = openTransport(address, tls);
  return await faultOf(remoteVersion(transport, { signal: AbortSignal.timeout(3000) }));
}

test('TCP without TLS is refused, and so are certificates that are missing or none', async () => {
  await using daemon = new TestDaemon({ config: "[grpc]\ntcp_address = '127.0.0.1:0'" });
  await expect(daemon.start()).rejects.toThrow(
    'grpc: tcp_address 127.0.0.1:0: TCP without TLS is refused: wanted tcp_tls_cert and tcp_tls_key',
  );
  daemon.configure("[grpc]\ntcp_address = '127.0.0.1:0'\ntcp_tls_cert = '/nonexistent'\ntcp_tls_key = '/nonexistent'");
  await expect(daemon.start()).rejects.toThrow('grpc: tcp_tls_cert: ENOENT');
  daemon.configure("[grpc]\ntcp_address = '127.0.0.1:0'\ntcp_tls_cert = '/etc/passwd'\ntcp_tls_key = '/etc/passwd'");
  await expect(daemon.start()).rejects.toThrow('grpc: tcp_tls_cert: /etc/passwd: wanted a PEM file');
});

test('TCP with TLS serves; with a CA only clients with its certificate, with a common name only that one', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'berth-tls-'));
  using _ = defer(() => rmSync(directory, { recursive: true }));
  const authority = new CertificateAuthority(directory, 'ca');
  const server = authority.issue('server');
  const [alice, bob, mallory] = [
    authority.issue('alice'),
    authority.issue('bob'),
    new CertificateAuthority(directory, 'other').issue('alice'),
  ];
  const ca = await read(authority.certificate);
  const as = async (pair: { readonly certificate: string; readonly key: string }) => ({
    ca,
    certificate: await read(pair.certificate),
    key: await read(pair.key),
  });
  const base = `[grpc]\ntcp_address = '127.0.0.1:0'\ntcp_tls_cert = '${server.certificate}'\ntcp_tls_key = '${server.key}'\n`;
  await using daemon = await startDaemon({ config: base });
  const address = () =>
    logged(daemon.log.slice(daemon.log.lastIndexOf('starting containerd')), 'io.containerd.server.v1.grpc').replace(
      'tcp://',
      '',
    );
  expect(await attempt(address(), { ca })).toBe('none');
  await daemon.kill();
  daemon.configure(`${base}tcp_tls_ca = '${authority.certificate}'`);
  await daemon.start();
  expect([
    await attempt(address(), await as(alice)),
    await attempt(address(), { ca }),
    await attempt(address(), await as(mallory)),
  ]).toEqual(['none', 'unavailable', 'unavailable']);
  await daemon.kill();
  daemon.configure(`${base}tcp_tls_ca = '${authority.certificate}'\ntcp_tls_common_name = 'alice'`);
  await daemon.start();
  expect([await attempt(address(), await as(alice)), await attempt(address(), await as(bob))]).toEqual([
    'none',
    'unauthenticated',
  ]);
  expect((await daemon.ctr('version')).code).toBe(0);
}, 120_000);

test("metrics are in Prometheus's form under containerd's names", async () => {
  await using daemon = await startDaemon({ config: "[metrics]\naddress = '127.0.0.1:0'\ngrpc_histogram = true" });
  await daemon.ctr('version');
  await daemon.ctr('namespaces', 'rm', 'missing');
  const at = `http://${logged(daemon.log, 'io.containerd.server.v1.metrics')}`;
  const response = await fetch(`${at}/v1/metrics`);
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  const text = await response.text();
  const version = 'grpc_type="unary",grpc_service="containerd.services.version.v1.Version",grpc_method="Version"';
  for (const line of [
    /^containerd_build_info_total\{version="2\.3\.0[^"]*",revision="[^"]+"\} 1$/m,
    /^# TYPE containerd_build_info_total counter$/m,
    /^process_virtual_memory_max_bytes (\d+|\+Inf)$/m,
    /^grpc_server_started_total\{grpc_type="bidi_stream",grpc_service="containerd\.services\.content\.v1\.Content",grpc_method="Write"\} 0$/m,
    /^process_resident_memory_bytes \d+$/m,
    /^process_open_fds \d+$/m,
    /^# TYPE grpc_server_handling_seconds histogram$/m,
    /^grpc_server_handled_total\{grpc_type="unary",grpc_service="containerd\.services\.namespaces\.v1\.Namespaces",grpc_method="Delete",grpc_code="NotFound"\} 1$/m,
  ]) {
    expect(text).toMatch(line);
  }
  for (const line of [
    `grpc_server_started_total{${version}} 1`,
    `grpc_server_handled_total{${version},grpc_code="OK"} 1`,
    `grpc_server_msg_received_total{${version}} 1`,
    `grpc_server_msg_sent_total{${version}} 1`,
    `grpc_server_handling_seconds_count{${version}} 1`,
  ]) {
    expect(text.split('\n')).toContain(line);
  }
  expect((await fetch(`${at}/other`)).status).toBe(404);
});

test('the debug socket tells variables, plugins, pending operations and profiles', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'berth-debug-'));
  using _ = defer(() => rmSync(directory, { recursive: true }));
  const socketPath = join(directory, 'debug.sock');
  await using daemon = await startDaemon({ config: `[debug]\naddress = '${socketPath}'\ngid = 7` });
  expect([statSync(socketPath).mode & 0o777, statSync(socketPath).gid]).toEqual([0o660, 7]);
  expect(JSON.parse(await get(socketPath, '/debug/vars'))).toMatchObject({
    pid: daemon.pid,
    memstats: { rss: expect.any(Number) },
  });
  expect(JSON.parse(await get(socketPath, '/debug/plugins'))).toContainEqual(
    expect.objectContaining({ id: 'exchange', status: 'ok' }),
  );
  expect(await get(socketPath, '/debug/pprof/goroutine?debug=2')).toBe('pending operations: 0\n');
  expect(JSON.parse(await get(socketPath, '/debug/pprof/profile?seconds=0.1'))).toHaveProperty('nodes');
  expect(JSON.parse(await get(socketPath, '/debug/pprof/heap'))).toHaveProperty('snapshot');
  expect(await get(socketPath, '/debug/nothing')).toContain('wanted one of /debug/vars');
});

test('what a shim forwards over ttrpc and what is published reaches subscribers', async () => {
  await using daemon = await startDaemon();
  using transport = openTransport(daemon.address);
  const stop = new AbortController();
  const heard: string[] = [];
  const listening = (async () => {
    for await (const { namespace, topic, event } of remoteEvents(transport).subscribe(stop.signal, [
      'event.container_id==c',
    ])) {
      heard.push(`${namespace} ${topic} ${event.typeUrl}`);
    }
  })();
  const value = toBinary(TaskExitSchema, create(TaskExitSchema, { containerId: 'c', id: 'c' }));
  const event = { typeUrl: 'containerd.events.TaskExit', value };
  await using shim = await connectTtrpc(`${daemon.address}.ttrpc`);
  const forward = (topic: string) => {
    const envelope = { timestamp: { seconds: 5n, nanos: 0 }, namespace: 'ns', topic, event };
    const request = toBinary(ForwardRequestSchema, create(ForwardRequestSchema, { envelope }));
    return shim.call(TtrpcEvents.typeName, 'Forward', request);
  };
  // From when the subscription stands is not told.
  for (; heard.length === 0; await Bun.sleep(20)) await forward('/subscribed');
  await forward('/tasks/exit');
  const publish = (topic: string) => {
    const child = Bun.spawn(
      [process.execPath, main, 'containerd', '-a', daemon.address, 'publish', '--namespace', 'ns2', '--topic', topic],
      {
        stdin: toBinary(AnySchema, create(AnySchema, event)),
        stderr: 'pipe',
      },
    );
    return child.exited;
  };
  expect(await publish('/tasks/published')).toBe(0);
  expect(await publish('no topic')).toBe(1);
  const told = () => heard.filter((line) => !line.includes(' /subscribed '));
  for (let i = 0; i < 6_000 && told().length < 2; i++) await Bun.sleep(10);
  stop.abort();
  await listening;
  expect(told()).toEqual([
    'ns /tasks/exit containerd.events.TaskExit',
    'ns2 /tasks/published containerd.events.TaskExit',
  ]);
});

test('a snapshotter of another process stands in the list and keeps its snapshots there', async () => {
  const backend = new MemorySnapshotter();
  const serve = async (path: string) => {
    const server = createGrpcServer();
    server.mount(serveSnapshots(new Map([['elsewhere', backend]])));
    await listen(server, path);
    return server;
  };
  const directory = mkdtempSync(join(tmpdir(), 'berth-proxy-'));
  using _ = defer(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'x.sock');
  const first = await serve(path);
  await using daemon = await startDaemon({
    config: `[proxy_plugins.elsewhere]\ntype = 'snapshot'\naddress = '${path}'\nplatform = 'linux/arm64'\n[proxy_plugins.elsewhere.exports]\nroot = '/r'`,
  });
  const listed = await daemon.ctr('plugins', 'ls', '-d', 'id==elsewhere');
  expect(listed.stdout).toMatch(/Platforms: +linux\/arm64\n/);
  expect(listed.stdout).toMatch(/^ +root +\/r$/m);
  const prepare = (key: string) => daemon.ctr('snapshots', '--snapshotter', 'elsewhere', 'prepare', key);
  expect(await prepare('mine')).toMatchObject({ code: 0 });
  expect([...backend.infos.keys()]).toEqual([expect.stringMatching(/^default\/\d+\/mine$/)]);
  await first.close();
  expect((await prepare('gone')).stderr).toContain('unavailable');
  const second = await serve(path);
  // Connecting again is tried after a pause, and calls fail until then.
  let back = await prepare('back');
  for (let i = 0; back.code !== 0 && i < 300; i++) {
    await Bun.sleep(100);
    back = await prepare('back');
  }
  expect(back).toMatchObject({ code: 0 });
  await second.close();
});

function get(socketPath: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve(Buffer.concat(chunks).toString()));
    });
    asked.on('error', reject);
    asked.end();
  });
}
