import { afterEach, beforeEach, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openClient } from '#client/client';
import { pull } from '#client/transfer';
import { scopeOf } from '#core/scope';
import { startDaemon } from '#test/support/daemon';
import { FakeRegistry } from '#test/support/fake-registry';
import { publish, sampleImage, sampleLayer } from '#test/support/sample-image';

setDefaultTimeout(120_000);
const scope = scopeOf('test');
const image = sampleImage([sampleLayer({ a: 'x' })]);
let open: AsyncDisposableStack;
let mirror: FakeRegistry;

beforeEach(async () => {
  open = new AsyncDisposableStack();
  mirror = open.use(await FakeRegistry.start({ auth: { mode: 'basic', user: 'm', password: 'secret' } }));
  publish(mirror, 'library/small', 'latest', image);
});
afterEach(() => open.disposeAsync());

async function pullWith(config: string): Promise<string> {
  const daemon = open.use(await startDaemon({ parent: '/dev/shm', config }));
  const client = open.use(openClient(daemon.address));
  const { target } = await pull(client, scope, 'docker.io/library/small:latest');
  expect(mirror.seen.some(({ url }) => url.includes('ns=docker.io'))).toBe(true);
  return target.digest;
}

test("the CRI plugin's mirrors and their credentials serve the daemon's pulls", async () => {
  const registry = "[plugins.'io.containerd.grpc.v1.cri'.registry";
  const config = [
    `${registry}.mirrors.'docker.io']\nendpoint = ['http://127.0.0.1:1', '${mirror.url}']`,
    `${registry}.configs.'${mirror.host}'.auth]\nusername = 'm'\npassword = 'secret'`,
  ].join('\n');
  expect(await pullWith(config)).toBe(image.manifest.digest);
});

test('hosts.toml is read at every pull, from the configured directory', async () => {
  const dir = mkdtempSync('/tmp/berth-certs-');
  open.defer(() => rmSync(dir, { recursive: true, force: true }));
  mkdirSync(join(dir, 'docker.io'));
  const authorization = `Basic ${Buffer.from('m:secret').toString('base64')}`;
  const hosts = `[host.'${mirror.url}']\ncapabilities = ['pull', 'resolve']\n[host.'${mirror.url}'.header]\nauthorization = '${authorization}'\n`;
  writeFileSync(join(dir, 'docker.io', 'hosts.toml'), hosts);
  const config = `[plugins.'io.containerd.transfer.v1.local']\nconfig_path = '${dir}'`;
  expect(await pullWith(config)).toBe(image.manifest.digest);
});
