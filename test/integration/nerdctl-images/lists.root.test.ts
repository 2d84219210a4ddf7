import { afterAll, beforeAll, expect, test } from 'bun:test';
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ImageRig } from './rig.ts';

let rig: ImageRig;
beforeAll(async () => {
  rig = await ImageRig.start();
  await rig.runWith({ stdin: 'secret' }, 'login', '-u', 'me', '--password-stdin', rig.registry.host);
}, 300_000);
afterAll(() => rig[Symbol.asyncDispose]());
const run: ImageRig['run'] = (...argv) => rig.run(...argv);
const out: ImageRig['out'] = (...argv) => rig.out(...argv);
const here = `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`;

/** A list of two platforms, which are one manifest, in the registry. */
async function pushedList(repository: string): Promise<{ readonly list: string; readonly digest: string }> {
  const list = `${rig.registry.host}/lib/${repository}:list`;
  const [one, two] = [list.replace(/list$/, 'one'), list.replace(/list$/, 'two')];
  await out('image', 'convert', '--zstd', '--oci', 'busybox', two);
  await out('tag', 'busybox', one);
  for (const name of [one, two]) await out('push', '-q', name);
  await out('manifest', 'create', list, one, two);
  await out('manifest', 'annotate', '--arch', 's390x', '--os', 'linux', list, two);
  return { list, digest: (await out('manifest', 'push', list)).trim() };
}

// shows: manifest create, manifest create --amend, manifest create -a, manifest create --insecure, manifest rm, manifest push, manifest push --insecure, manifest push --purge, manifest push -p
// shows: manifest annotate, manifest annotate --arch, manifest annotate --os, manifest annotate --os-version, manifest annotate --os-features, manifest annotate --variant
test('a list of manifests is made, annotated, pushed and forgotten', async () => {
  const [list, one] = [`${rig.registry.host}/lib/list:all`, `${rig.registry.host}/lib/list:one`];
  await out('tag', 'busybox', one);
  await out('push', '-q', one);
  expect(await out('manifest', 'create', '--insecure', list, one)).toBe(`Created manifest list ${list}\n`);
  expect((await run('manifest', 'create', list, one)).err).toContain('no --amend flag');
  expect((await run('manifest', 'create', '-a', list, one)).code).toBe(0);
  const changes = ['--arch', 'arm', '--os', 'linux', '--variant', 'v7', '--os-version', '1', '--os-features', 'x'];
  await out('manifest', 'annotate', ...changes, list, one);
  const shown = JSON.parse(await out('manifest', 'inspect', list));
  const platform = { architecture: 'arm', os: 'linux', variant: 'v7', 'os.version': '1', 'os.features': ['x'] };
  expect(shown.manifests).toEqual([
    { mediaType: expect.any(String), digest: await rig.busyboxId(), size: expect.any(Number), platform },
  ]);
  expect(await out('manifest', 'push', '--insecure', '-p', list)).toMatch(/^sha256:[0-9a-f]{64}\n$/);
  expect(JSON.parse(await out('manifest', 'inspect', list))).toEqual(shown); // from the registry
  expect((await run('manifest', 'rm', list)).err).toContain(`No such manifest: ${list}`);
  await out('manifest', 'create', list, one);
  expect(await out('manifest', 'rm', list)).toBe('');
  await out('manifest', 'create', `${rig.registry.host}/lib/other:all`, one);
  expect((await run('manifest', 'push', `${rig.registry.host}/lib/other:all`)).err).toContain('push it there first');
  expect((await run('manifest', 'create', 'x', list)).err).toContain('is a manifest list');
  expect((await run('manifest', 'create', 'x', one.replace('one', 'none'))).err).toContain('no such manifest');
  expect((await run('manifest', 'annotate', 'nothing', one)).err).toContain('No such manifest: nothing');
}, 300_000);

// shows: pull --all-tags, pull -a
test('all tags of a repository are pulled', async () => {
  const name = `${rig.registry.host}/lib/tags`;
  for (const tag of ['a', 'b']) {
    await out('tag', 'busybox', `${name}:${tag}`);
    await out('push', '-q', `${name}:${tag}`);
    await out('rmi', `${name}:${tag}`);
  }
  expect((await out('pull', '-q', '-a', name)).trim().split('\n').sort()).toEqual([`${name}:a`, `${name}:b`]);
  expect(await out('--insecure-registry', 'pull', '-q', `${name}:b`)).toBe(`${name}:b\n`);
  expect((await run('pull', '--all-tags', `${name}:a`)).err).toContain("tag can't be used with --all-tags/-a");
}, 300_000);

// shows: history --platform, rmi --platform
test('what an image has for one platform is shown, and removed without the rest', async () => {
  const { list } = await pushedList('two');
  await out('rmi', list.replace(/list$/, 'two'));
  await out('pull', '-q', '--all-platforms', list);
  expect(await out('history', '-q', '--platform', 'linux/s390x', list)).toMatch(/^[0-9a-f]{12}\n/);
  expect((await run('history', '--platform', 'linux/riscv64', list)).err).toContain(
    'does not provide the specified platform (linux/riscv64)',
  );
  expect(await out('rmi', '--platform', 'linux/s390x', list)).toMatch(/^Deleted: sha256:[0-9a-f]{64}\n$/);
  expect((await run('rmi', '--platform', 'linux/s390x', list)).err).toContain('does not provide');
  expect((await run('history', '--platform', here, list)).code).toBe(0);
  expect(await out('rmi', '--platform', here, list)).toContain(`Untagged: ${list}\n`);
  expect((await run('history', 'busybox')).code).toBe(0);
}, 300_000);

// shows: image convert --zstd, image convert --zstd-compression-level, image convert --format
test('layers are packed by zstd, at a level', async () => {
  const type = (image: string) =>
    out('image', 'inspect', '--mode', 'native', '-f', '{{(index .Manifest.layers 0).mediaType}}', image);
  const said = await out('image', 'convert', '--oci', '--zstd', '--format', 'json', 'busybox', 'packed');
  expect(JSON.parse(said).Image).toMatch(/^docker\.io\/library\/packed:latest@sha256:[0-9a-f]{64}$/);
  expect(await type('packed')).toBe('application/vnd.oci.image.layer.v1.tar+zstd\n');
  const convert = ['image', 'convert', '--zstd', '--format', '{{.Image}}'];
  const hard = await out(...convert, '--zstd-compression-level', '19', 'busybox', 'hard');
  expect(hard.replace('hard', 'packed').trim()).not.toBe(JSON.parse(said).Image);
  await out('image', 'convert', '--uncompress', 'packed', 'plain');
  expect(await type('plain')).toBe('application/vnd.oci.image.layer.v1.tar\n');
  expect((await run(...convert, '--zstd-compression-level', '23', 'busybox', 'x')).err).toContain('wanted 1 to 22');
  expect((await run(...convert, '--uncompress', 'busybox', 'x')).err).toContain('cannot be used together');
}, 300_000);

test('what other programs would have to do is refused with why', async () => {
  for (const [why, ...words] of [
    ['eStargz', 'image', 'convert', '--estargz', 'busybox', 'x'],
    ['no cosign', 'pull', '--verify', 'cosign', 'busybox'],
    ['no cosign', 'push', '--sign', 'notation', 'busybox'],
    ['GPG', 'image', 'encrypt', '--gpg-homedir', '/x', 'busybox', 'x'],
    ['untagged parents', 'rmi', '--no-prune', 'busybox'],
    ['a line is a name', 'images', '--tree'],
  ] as const) {
    const { code, err } = await run(...words);
    expect(code).toBe(125);
    expect(err).toContain(why);
  }
});

// shows: version --format, version, info --mode, info --format
test('versions and what the daemon says are read as scripts read them', async () => {
  const version = await out('version', '--format', '{{.Server.Version}}|{{.Server.APIVersion}}|{{.Client.APIVersion}}');
  expect(version).toMatch(/^\d+\.\d+\.\d+[^|]*\|\d\.\d+\|\d\.\d+\n$/);
  expect(JSON.parse(await out('version', '--format', 'json'))).toMatchObject({
    Client: { ApiVersion: expect.any(String), DefaultAPIVersion: expect.any(String) },
    Server: { ApiVersion: expect.any(String), MinAPIVersion: expect.any(String), Components: [{ Name: 'containerd' }] },
  });
  expect(await out('info', '--format', '{{.ServerVersion}}')).toBe(await out('version', '-f', '{{.Server.Version}}'));
  const native = JSON.parse(await out('info', '--mode', 'native'));
  expect(native).toMatchObject({ Namespace: rig.daemon.scope.namespace, Daemon: { Plugins: expect.any(Array) } });
  expect(await out('info', '--mode', 'native', '-f', '{{.Snapshotter}}')).toBe(await out('info', '-f', '{{.Driver}}'));
  expect((await run('info', '--mode', 'x')).err).toContain('wanted dockercompat or native');
});

// shows: image encrypt --layer, image encrypt --key, image encrypt --all-platforms, image decrypt --layer, image decrypt --platform, image decrypt --all-platforms
test('layers to encrypt and decrypt are chosen by number and platform', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const [open, secret] = [join(rig.directory, 'o.pem'), join(rig.directory, 's.pem')];
  writeFileSync(open, publicKey);
  writeFileSync(secret, privateKey);
  const type = (image: string) =>
    out('image', 'inspect', '--mode', 'native', '-f', '{{(index .Manifest.layers 0).mediaType}}', image);
  const encrypt = [
    'image',
    'encrypt',
    '--recipient',
    `jwe:${open}`,
    '--key',
    secret,
    '--all-platforms',
    '--layer',
    '0',
  ];
  await out(...encrypt, 'busybox', 'shut');
  expect(await type('shut')).toEndWith('+encrypted\n');
  await out('image', 'decrypt', '--key', secret, '--layer', '0', '--platform', here, 'shut', 'ajar');
  expect(await type('ajar')).toBe(await type('busybox'));
  await out('image', 'decrypt', '--key', secret, '--all-platforms', 'shut', 'wide');
  expect(await type('wide')).toBe(await type('busybox'));
});
