import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { classOf, messageOf } from '#base/errors';
import { packProcess, unpackSpec } from '#client/any-json';
import { createContainer } from '#client/container';
import { importImages, pull } from '#client/transfer';
import type { Image } from '#core/images/images';
import { type Member, tarOf } from '#lib/tar/small-archive';
import { layerOf } from '#test/support/busybox-image';
import { runCtr } from '#test/support/ctr';
import { FakeRegistry } from '#test/support/fake-registry';
import { publish, sampleImage, sampleLayer } from '#test/support/sample-image';
import { type Bed, imageOf, pulled, residentMb, running, runOnce, sh, startBed, thrownBy } from './bed.ts';

setDefaultTimeout(120_000);
let on: Bed;
beforeAll(async () => {
  on = await startBed();
}, 120_000);
afterAll(() => on[Symbol.asyncDispose](), 120_000);

/** A container of the image, made and removed; its spec and labels. */
async function madeOf(image: Image, id: string, env: readonly string[] = []) {
  const { client, scope } = on;
  const container = await createContainer(client, scope, image, { id, env });
  await (await client.snapshotter(scope, container.snapshotter)).remove(scope, container.snapshotKey);
  await client.containers.delete(scope, id);
  return { labels: container.labels, spec: unpackSpec(container.spec) };
}

test("CVE-2020-15157: a layer's foreign host, and one that is redirected to, never see the registry's credentials", async () => {
  await using foreign = await FakeRegistry.start({ auth: { mode: 'basic', user: 'x', password: 'x' } });
  await using own = await FakeRegistry.start({ auth: { mode: 'basic', user: 'u', password: 'pass-of-own' } });
  const layer = sampleLayer({ 'a/': '', 'a/b': 'c' });
  const descriptor = {
    ...layer.descriptor,
    mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
    urls: [`${foreign.url}/v2/a/b/blobs/${layer.descriptor.digest}`],
  };
  publish(own, 'a/b', 'v1', sampleImage([{ ...layer, descriptor }]));
  own.blobs.delete(layer.descriptor.digest);
  const authorization = { user: 'u', password: 'pass-of-own' };
  const pulling = (): Promise<unknown> =>
    pull(on.client, on.scope, `${own.host}/a/b:v1`, { credentials: async () => authorization });
  const error = await thrownBy(pulling());
  expect(foreign.seen.length).toBeGreaterThan(0);
  expect(messageOf(error)).not.toContain('pass-of-own');
  own.intercept = (request, response) => {
    if (!request.url?.includes(layer.descriptor.digest)) return false;
    response.writeHead(307, { location: `${foreign.url}${request.url}` }).end();
    return true;
  };
  expect(await thrownBy(pulling())).toBeDefined();
  for (const { headers } of foreign.seen) expect(headers.authorization).toBeUndefined();
  expect(own.seen.some(({ headers }) => headers.authorization !== undefined)).toBe(true);
});

test('containerd 2.1.7: passwords, tokens and secrets of redirects stand in no error and in no log', async () => {
  await using own = await FakeRegistry.start({ auth: { mode: 'bearer', user: 'u', password: 'other' } });
  await using elsewhere = await FakeRegistry.start();
  const layer = sampleLayer({ 'a/': '', 'a/b': 'c' });
  publish(own, 'a/b', 'v1', sampleImage([layer]));
  const wrong = { user: 'u', password: 'secret-password' };
  const refused = await thrownBy(pull(on.client, on.scope, `${own.host}/a/b:v1`, { credentials: async () => wrong }));
  publish(elsewhere, 'a/b', 'v1', sampleImage([layer]));
  elsewhere.intercept = (request, response) => {
    if (!request.url?.includes(layer.descriptor.digest) || request.url.includes('X-Signature')) return false;
    response
      .writeHead(307, { location: `http://user:secret-userinfo@${elsewhere.host}/gone?X-Signature=secret-query` })
      .end();
    return true;
  };
  elsewhere.blobs.clear();
  const lost = await thrownBy(pull(on.client, on.scope, `${elsewhere.host}/a/b:v1`));
  for (const error of [refused, lost]) expect(messageOf(error)).not.toMatch(/secret-/);
  expect(on.daemon.log).not.toMatch(/secret-/);
});

test('CVE-2021-21334: containers made of one image at once have each its own environment', async () => {
  const image = await pulled(on, 'env', imageOf({ Env: ['PATH=/bin', 'SHARED=yes'] }));
  const made = await Promise.all(Array.from({ length: 20 }, (_, i) => madeOf(image, `env-${i}`, [`SECRET=${i}`])));
  expect(made.map(({ spec }) => spec.process?.env)).toEqual(
    Array.from({ length: 20 }, (_, i) => ['PATH=/bin', 'SHARED=yes', `SECRET=${i}`]),
  );
});

test('CVE-2021-32760: a layer changes no mode, owner, time or attribute of a file of the host through its links', async () => {
  const victim = join(on.host, 'victim');
  writeFileSync(victim, 'host', { mode: 0o600 });
  const before = lstatSync(victim);
  const changed = { mode: 0o4777, uid: 1000, gid: 1000 } as Partial<Member>;
  const image = imageOf(
    {},
    { name: 'soft', type: 'symlink', linkName: victim },
    { name: 'hard', type: 'link', linkName: 'soft', ...changed },
    { name: 'soft', type: 'symlink', linkName: victim, ...changed },
    { name: 'way', type: 'symlink', linkName: on.host },
    { name: 'way/victim', type: 'link', linkName: 'soft', ...changed },
    { name: 'way/new', data: 'x', ...changed },
  );
  await thrownBy(pulled(on, 'chmod', image)); // taken or refused: both will do
  const after = lstatSync(victim);
  expect([after.mode, after.uid, after.gid, after.mtimeMs, after.nlink]).toEqual([
    before.mode,
    before.uid,
    before.gid,
    before.mtimeMs,
    1,
  ]);
  expect(readFileSync(victim, 'utf8')).toBe('host');
  expect(readdirSync(on.host)).toEqual(['victim']);
});

test('CVE-2025-47290: nothing that a layer does with links, directories and whiteouts reaches a file of the host', async () => {
  const inside = join(on.host, 'tree');
  mkdirSync(inside);
  writeFileSync(join(inside, 'kept'), 'host');
  const tricks: readonly (readonly Member[])[] = [
    [
      { name: 'd/', type: 'dir' },
      { name: 'd', type: 'symlink', linkName: inside },
      { name: 'd/new', data: 'x' },
    ],
    [{ name: 'd', type: 'symlink', linkName: inside }, { name: 'd/.wh.kept' }],
    [{ name: 'd', type: 'symlink', linkName: inside }, { name: 'd/.wh..wh..opq' }],
    [
      { name: 'd', type: 'symlink', linkName: `${'../'.repeat(20)}${inside.slice(1)}` },
      { name: 'd/kept', data: 'x' },
    ],
    [{ name: `${'../'.repeat(20)}${inside.slice(1)}/new`, data: 'x' }],
    [
      { name: 'd', type: 'symlink', linkName: inside },
      { name: 'd/', type: 'dir', mode: 0o777 },
      { name: 'd/kept', data: 'x' },
    ],
    [
      { name: 'a/', type: 'dir' },
      { name: 'a/b', type: 'symlink', linkName: inside },
      { name: 'a/b/c/', type: 'dir' },
    ],
    [{ name: '.wh...' }, { name: '.wh..' }, { name: 'x/.wh.../kept' }],
  ];
  for (const [i, trick] of tricks.entries()) await thrownBy(pulled(on, `trick${i}`, imageOf({}, ...trick)));
  expect(readdirSync(inside)).toEqual(['kept']);
  expect(readFileSync(join(inside, 'kept'), 'utf8')).toBe('host');
  expect(statSync(inside).mode & 0o777).toBe(0o755);
});

test('CVE-2021-41190: a document that is a manifest to some and an index to others is refused, from a registry and from an archive', async () => {
  const type = 'application/vnd.oci.image.manifest.v1+json';
  const good = sampleImage([sampleLayer({ a: 'b' })]);
  const document = { ...(JSON.parse(good.manifestBody.toString()) as object), manifests: [good.manifest] };
  publish(on.registry, 'a/both', 'good', good);
  for (const [i, wanted] of [document, { ...document, manifests: undefined, Manifests: [good.manifest] }].entries()) {
    const entry = on.registry.manifest('a/both', `v${i}`, type, wanted);
    const error = await thrownBy(pull(on.client, on.scope, `${on.registry.host}/a/both:v${i}`));
    expect([i, classOf(error)]).toEqual([i, 'invalid_argument']);
    const index = {
      schemaVersion: 2,
      manifests: [{ ...entry, annotations: { 'io.containerd.image.name': 'x.example/a:b' } }],
    };
    const archive = tarOf([
      { name: 'oci-layout', data: '{"imageLayoutVersion":"1.0.0"}' },
      { name: 'index.json', data: JSON.stringify(index) },
      { name: `blobs/sha256/${entry.digest.slice(7)}`, data: JSON.stringify(wanted) },
      { name: `blobs/sha256/${good.config.digest.slice(7)}`, data: good.configBody },
    ]);
    expect([i, classOf(await thrownBy(imported(archive)))]).toEqual([i, 'invalid_argument']);
  }
});

const imported = (archive: Uint8Array): Promise<unknown> => importImages(on.client, on.scope, Readable.from([archive]));

test('CVE-2023-25153: documents of an archive are read up to a limit, and cost the daemon no memory beyond', async () => {
  const spaces = Buffer.alloc(96 << 20, ' ');
  const before = residentMb(on.daemon.pid);
  for (const name of ['index.json', 'manifest.json', 'oci-layout']) {
    const archive = tarOf([
      { name: 'oci-layout', data: '{"imageLayoutVersion":"1.0.0"}' },
      { name, data: Buffer.concat([Buffer.from('{'), spaces]) },
    ]);
    const cls = classOf(await thrownBy(imported(archive)));
    expect([name, ['invalid_argument', 'resource_exhausted'].includes(cls), cls]).toEqual([name, true, cls]);
  }
  expect(residentMb(on.daemon.pid) - before).toBeLessThan(150);
});

test('CVE-2026-53488: labels of an image that the daemon would act upon do not become labels of a container', async () => {
  const trap = join(on.host, 'trap');
  writeFileSync(trap, `#!/bin/sh\ntouch ${on.host}/sprung\n`);
  chmodSync(trap, 0o755);
  const Labels = {
    harmless: 'yes',
    'containerd.io/restart.status': 'running',
    'containerd.io/restart.policy': 'always',
    'containerd.io/restart.loguri': `binary://${trap}`,
    'containerd.io/restart.logpath': join(on.host, 'log'),
    'containerd.io/gc.root': 'yes',
    'io.containerd.runtime.x': 'y',
    'io.cri-containerd.kind': 'container',
  };
  const image = await pulled(on, 'labels', imageOf({ Labels, Cmd: ['true'] }));
  const { labels } = await madeOf(image, 'by-library');
  expect(labels).toEqual({ harmless: 'yes', 'io.containerd.image.config.stop-signal': 'SIGTERM' });
  const ctr = (...args: string[]) => runCtr(['--address', on.daemon.address, '-n', on.scope.namespace, ...args]);
  expect((await ctr('run', '--detach', image.name, 'by-ctr', '/bin/true')).err).toBe('');
  const made = await on.client.containers.get(on.scope, 'by-ctr');
  expect(Object.keys(made.labels).filter((key) => /restart|gc\.|runtime|cri-/.test(key))).toEqual([]);
  await on.client.tasks.wait(on.scope, 'by-ctr', '');
  expect((await ctr('tasks', 'delete', 'by-ctr')).code).toBe(0);
  expect((await ctr('containers', 'delete', 'by-ctr')).code).toBe(0);
  expect([existsSync(join(on.host, 'sprung')), existsSync(join(on.host, 'log'))]).toEqual([false, false]);
});

test('CVE-2026-50195, CVE-2026-53492, CVE-2026-53489: a container restored from a checkpoint has no labels, and no name of an image is moved', async () => {
  const { client, scope, daemon } = on;
  const ctr = (...args: string[]) => runCtr(['--address', daemon.address, '-n', scope.namespace, ...args]);
  const image = await pulled(on, 'saved', imageOf({ Cmd: ['true'] }));
  const labels = {
    'containerd.io/restart.loguri': `binary://${on.host}/trap`,
    'containerd.io/restart.logpath': join(on.host, 'log'),
    'cdi.k8s.io/x': 'vendor.com/device=all',
  };
  const names = async () => (await client.images.list(scope)).map(({ name, target }) => `${name} ${target.digest}`);
  const before = await names();
  const container = await createContainer(client, scope, image, { id: 'to-save', labels });
  expect((await ctr('containers', 'checkpoint', 'to-save', 'saved.example/a:b')).err).toBe('');
  const restored = await ctr('containers', 'restore', 'from-saved', 'saved.example/a:b');
  expect([restored.code, restored.err]).toEqual([0, '']);
  expect((await client.containers.get(scope, 'from-saved')).labels).toEqual({});
  expect((await names()).filter((name) => !name.startsWith('saved.example/'))).toEqual(before);
  expect(existsSync(join(on.host, 'log'))).toBe(false);
  await client.tasks.wait(scope, 'from-saved', '');
  await client.tasks.delete(scope, 'from-saved');
  for (const id of ['to-save', 'from-saved']) {
    await (await client.snapshotter(scope, container.snapshotter)).remove(scope, id);
    await client.containers.delete(scope, id);
  }
  await client.images.delete(scope, 'saved.example/a:b', { sync: true });
});

const account = (files: Readonly<Record<string, string>>): Member[] =>
  Object.entries(files).map(([name, data]) => ({ name, data }));
const refusedUser = async (name: string, User: string, members: Member[]): Promise<string> => {
  const image = await pulled(on, name, imageOf({ User }, ...members));
  return classOf(await thrownBy(madeOf(image, name)));
};

test('CVE-2024-40635: a USER whose number is too big becomes nobody, least of all root', async () => {
  for (const [i, user] of [
    '4294967296',
    '2147483648',
    '0:4294967296',
    '1000:2147483648',
    '-1',
    '18446744073709551616',
  ].entries())
    expect([user, await refusedUser(`big${i}`, user, [])]).toEqual([user, 'invalid_argument']);
});

test('CVE-2026-46680: a USER that is a number out of range is not looked up as a name', async () => {
  const passwd = '4294967296:x:0:0::/:\n+0:x:0:0::/:\n99999999999999999999:x:0:0::/:\n';
  for (const [i, user] of ['4294967296', '+0', '99999999999999999999'].entries())
    expect([user, await refusedUser(`named${i}`, user, account({ 'etc/passwd': passwd }))]).toEqual([
      user,
      'invalid_argument',
    ]);
});

test('CVE-2026-47262: account files that are endless, huge, devices, pipes or links out cost neither time nor memory', async () => {
  const before = residentMb(process.pid);
  const cases: readonly (readonly [string, readonly Member[]])[] = [
    ['huge', [{ name: 'etc/passwd', data: Buffer.alloc(64 << 20, 'a:x:1:1::/:\n') }]],
    ['pipe', [{ name: 'etc/passwd', type: 'fifo' }]],
    ['device', [{ name: 'etc/passwd', type: 'char', major: 1, minor: 5 }]],
    ['link', [{ name: 'etc/passwd', type: 'symlink', linkName: '../../../../../dev/zero' }]],
    ['directory', [{ name: 'etc/passwd/', type: 'dir' }]],
    ['group', [...account({ 'etc/passwd': 'app:x:1:1::/:\n' }), { name: 'etc/group', type: 'fifo' }]],
  ];
  for (const [name, members] of cases) {
    const begin = performance.now();
    const cls = await refusedUser(`pw-${name}`, 'app', [...members]);
    expect([name, cls !== 'unknown', cls]).toEqual([name, true, cls]);
    expect([name, performance.now() - begin < 60_000]).toEqual([name, true]);
  }
  expect(residentMb(process.pid) - before).toBeLessThan(600); // the layers themselves are made in this process
});

test('CVE-2023-25173: a process has its primary group among its groups', async () => {
  const files = account({ 'etc/passwd': 'app:x:1000:1000::/:\n', 'etc/group': 'app:x:1000:\nextra:x:2000:app\n' });
  const image = await pulled(on, 'groups', imageOf({ User: 'app' }, ...files));
  const { out } = await runOnce(on, image, { id: 'groups', args: sh('cat /proc/self/status') });
  expect(/^Groups:\s*(.*?)\s*$/m.exec(out)?.[1]?.split(' ').sort()).toEqual(['1000', '2000']);
});

test('GHSA-rp3h-jf77-q9p4: a layer of many entries and whiteouts in deep directories is unpacked in time linear in them', async () => {
  const deep = 'd/'.repeat(200);
  const layer = (n: number) =>
    layerOf(tarOf(Array.from({ length: n }, (_, i) => ({ name: `${deep}${i % 2 === 0 ? '.wh.' : ''}f${i}` }))));
  const seconds = async (n: number) => {
    publish(on.registry, 'a/deep', `n${n}`, sampleImage([sampleLayer({ x: String(n) }), layer(n)]));
    const begin = performance.now();
    await pull(on.client, on.scope, `${on.registry.host}/a/deep:n${n}`);
    return performance.now() - begin;
  };
  const [few, many] = [await seconds(1_000), await seconds(16_000)];
  // Sixteen times as much; quadratic would be 256 times. The small one is mostly what any pull costs.
  expect(many).toBeLessThan(Math.max(few, 200) * 40);
});

test('CVE-2019-19921, CVE-2023-27561, CVE-2023-28642: a /proc that is a link in the image is not what is mounted upon', async () => {
  const away = join(on.host, 'proc');
  mkdirSync(away);
  for (const [i, linkName] of ['/away', away, '../../../../../..'.concat(away)].entries()) {
    const linked = await pulled(on, `proc${i}`, imageOf({}, { name: 'proc', type: 'symlink', linkName }));
    const error = await thrownBy(
      runOnce(on, linked, { id: `proc${i}`, args: sh('cat /proc/self/attr/current /proc/version') }),
    );
    expect([linkName, messageOf(error)]).toEqual([linkName, expect.stringMatching(/proc/)]);
  }
  expect(readdirSync(away)).toEqual([]);
});

test('CVE-2025-31133, CVE-2025-52565, CVE-2025-52881, CVE-2026-41579: what an image has in the place of /dev, /dev/null and /dev/console is not mounted upon or written to', async () => {
  const pattern = readFileSync('/proc/sys/kernel/core_pattern', 'utf8');
  const links = (name: string): readonly Member[] => [
    { name: 'dev/null', type: 'symlink', linkName: '/proc/sys/kernel/core_pattern' },
    { name: 'dev/console', type: 'symlink', linkName: '/proc/sys/kernel/core_pattern' },
    { name: 'dev/pts', type: 'symlink', linkName: '/proc/sys/kernel' },
    { name: 'dev/shm', type: 'symlink', linkName: '/proc' },
    { name, data: '' },
  ];
  const image = await pulled(on, 'devices', imageOf({}, ...links('a')));
  const script =
    'stat -c %t:%T /dev/null 2>/dev/null || ls -l /dev/null; head -c 1 /proc/kcore | wc -c; echo x > /proc/sys/kernel/core_pattern; ls -ld /dev/pts';
  const { out } = await runOnce(on, image, { id: 'devices', args: sh(script) });
  expect(out).toMatch(/1, +3|1:3/);
  expect(out).toMatch(/Read-only file system|Permission denied/);
  expect(out).toMatch(/^d.*\/dev\/pts$/m);
  const linked = await pulled(
    on,
    'dev-link',
    imageOf({}, { name: '.wh.dev' }, { name: 'dev', type: 'symlink', linkName: on.host }),
  );
  const had = readdirSync(on.host);
  const refused = await thrownBy(runOnce(on, linked, { id: 'dev-link', args: sh('ls /dev') }));
  expect([classOf(refused), messageOf(refused)]).toEqual([
    'failed_precondition',
    expect.stringContaining('symbolic link'),
  ]);
  expect(readdirSync(on.host)).toEqual(had);
  expect(readFileSync('/proc/sys/kernel/core_pattern', 'utf8')).toBe(pattern);
});

test("CVE-2019-5736: a container cannot write to the runtime's or the shim's program", async () => {
  const programs = ['/usr/sbin/runc', new URL('../../dist/bin/containerd-shim-runc-v2', import.meta.url).pathname];
  const bytes = programs.map((path) => Bun.hash(readFileSync(path)));
  const image = await pulled(
    on,
    'overwrite',
    imageOf({}, { name: 'bin/trap', data: '#!/proc/self/exe\n', mode: 0o755 }),
  );
  const script = 'while :; do for p in /proc/[0-9]*; do echo x > $p/exe; echo x > $p/exe; done; done 2>/dev/null';
  await running(on, image, { id: 'overwrite', args: sh(script) }, async () => {
    const { client, scope } = on;
    const process = { user: { uid: 0, gid: 0 }, args: ['/bin/trap'], cwd: '/', env: ['PATH=/bin'] };
    const none = { stdin: '', stdout: '', stderr: '', terminal: false };
    for (let i = 0; i < 5; i++) {
      await client.tasks.exec(scope, 'overwrite', { execId: `e${i}`, ...none, spec: packProcess(process) });
      await thrownBy(
        client.tasks.start(scope, 'overwrite', `e${i}`).then(() => client.tasks.wait(scope, 'overwrite', `e${i}`)),
      );
      await thrownBy(client.tasks.deleteProcess(scope, 'overwrite', `e${i}`));
    }
    await client.tasks.kill(scope, 'overwrite', { execId: '', signal: 9, all: true });
  });
  expect(programs.map((path) => Bun.hash(readFileSync(path)))).toEqual(bytes);
});
