import { afterAll, beforeAll, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type BusyboxDaemon, startBusyboxDaemon } from '#test/support/busybox-daemon';
import { ctrAt, type Step, walkSteps } from '#test/support/ctr-steps';
import { DockerRegistry } from '#test/support/docker-registry';
import { keepBlobs } from '#test/support/kept';

const open = new AsyncDisposableStack();
let on: BusyboxDaemon;
let ref = '';
beforeAll(async () => {
  on = open.use(await startBusyboxDaemon());
  const registry = open.use(await DockerRegistry.start('/tmp', { user: 'user', password: 'secret' }));
  ref = `${registry.host}/a/box:v1`;
}, 120_000);
afterAll(() => open.disposeAsync(), 120_000);

const here = () => ctrAt(on.daemon.address, on.scope.namespace);
const walk = (steps: readonly Step[]) => walkSteps(here(), steps);
const account = '--plain-http --user user:secret';

test('an image is sent and fetched, and what is said of it is heard, without secrets', async () => {
  await walk([
    [`images push ${account} --http-trace ${ref} busybox`, 0, /done/, /^PUT http:\/\/.*answered 201 /m],
    [`images push ${account} --max-concurrent-uploaded-layers 1 ${ref}2 busybox`, 0, /done/],
    [`images push ${account} --max-concurrent-uploaded-layers -1 ${ref}2 busybox`, 1, undefined, /from 1/],
    [`images push ${account} --allow-non-distributable-blobs ${ref}3 busybox`, 0, /done/],
  ]);
  for (const local of ['', '--local ']) {
    const { code, err } = await here()(`images pull ${account} --http-dump ${local}${ref}`);
    expect(code).toBe(0);
    expect(err).toMatch(/^HEAD \/v2\/a\/box\/manifests\/v1 HTTP\/1\.1\nhost: /m);
    expect(err).toMatch(/^HTTP\/1\.1 401 Unauthorized\n/m);
    expect(err).toMatch(/^authorization: …$/m);
    expect(err).not.toMatch(/^authorization: (?!…)/im);
  }
  await walk([
    [`images pull ${account} --max-concurrent-downloads 1 --sync-fs ${ref}2`, 0, /done/],
    [`images pull ${account} --max-concurrent-downloads -3 ${ref}`, 1, undefined, /from 1/],
    [`images pull ${account} --skip-metadata --all-metadata ${ref}`, 1, undefined, /cannot be used together/],
    [`images pull ${account} --http-trace ${ref}`, 0, /done/, /^HEAD http:\/\/.*connected to 127\.0\.0\.1/m],
  ]);
}, 120_000);

test('documents and blobs of a registry are fetched and sent by themselves', async () => {
  const manifest = await here()(`content fetch-object ${account} ${ref}`);
  expect(manifest).toMatchObject({ code: 0, err: '' });
  const digest = `sha256:${createHash('sha256').update(manifest.out).digest('hex')}`;
  const { config } = JSON.parse(manifest.out) as { readonly config: { readonly digest: string } };
  const blob = `sha256:${createHash('sha256').update('some bytes').digest('hex')}`;
  await using _ = await keepBlobs(on.client, on.scope, [blob, digest]);
  expect((await here()('content ingest bytes', { stdin: 'some bytes' })).code).toBe(0);
  await walk([
    [`content fetch-object ${account} ${ref} ${digest}`, 0, /"layers"/],
    [`content fetch-object ${account} ${ref} nothing`, 1, undefined, /not found/],
    [`content fetch-object --plain-http ${ref}`, 1, undefined, /401|authorization/],
    ['content fetch-object', 1, undefined, /please provide a remote reference/],
    [`content fetch-blob ${account} ${ref} ${config.digest} ${digest}`, 0, /^\{.*"rootfs".*\}\{.*"layers".*\}$/s],
    [`content fetch-blob ${account} --media-type text/plain ${ref} ${config.digest}`, 0, /rootfs/],
    [`content fetch-blob ${account} ${ref} ${blob}`, 1, undefined, /not found/],
    [`content fetch-blob ${account} ${ref}`, 1, undefined, /at least one digest/],
    [`content push-object ${account} ${ref} ${blob} text/plain`, 0, new RegExp(`^Pushed ${blob} text/plain\n$`)],
    [`content fetch-blob ${account} ${ref} ${blob}`, 0, /^some bytes$/],
    [`content push-object ${account} ${ref} sha256:${'0'.repeat(64)} text/plain`, 1, undefined, /not found/],
    [
      `content push-object ${account} ${ref}-new ${digest} application/vnd.oci.image.manifest.v1+json`,
      0,
      new RegExp(`^Pushed ${digest} `),
    ],
    [`content fetch-object ${account} ${ref}-new`, 0, /"layers"/],
  ]);
}, 120_000);

test('only documents and configurations, when that is asked for', async () => {
  const bare = `${on.scope.namespace}-bare`;
  const ctr = ctrAt(on.daemon.address, bare);
  await walkSteps(ctr, [
    [`content fetch ${account} --metadata-only --skip-metadata ${ref}`, 1, undefined, /cannot be used together/],
    [`content fetch ${account} --metadata-only ${ref}`, 0, /config-sha256/],
    ['content ls -q', 0, /^(sha256:\w+\n){2}$/],
    [`images rm --sync ${ref}`, 0, /box/],
    [`namespaces rm ${bare}`, 0, /bare/],
  ]);
}, 120_000);

test('an image that is mounted is fetched first where a flag says how; unmounting says what it has no use for', async () => {
  const mounted = `${on.scope.namespace}-mount`;
  const ctr = ctrAt(on.daemon.address, mounted);
  chmodSync(on.daemon.directory, 0o711);
  const target = join(on.daemon.directory, 'mounted');
  mkdirSync(target);
  await walkSteps(ctr, [
    [`images mount ${ref} ${target}`, 1, undefined, /not found/],
    [`images mount ${account} --label a=b ${ref} ${target}`, 0, new RegExp(`^sha256:\\w+\n${target}\n$`)],
    ['images ls', 0, /a=b *\n$/],
  ]);
  expect(readdirSync(target)).toContain('bin');
  await walkSteps(ctr, [
    [`images unmount --rm --user somebody ${target}`, 0, /mounted/, /^--user says nothing here\n$/],
    [`images rm --sync ${ref}`, 0, /box/],
  ]);
  expect(readdirSync(target)).toEqual([]);
}, 120_000);
