import { afterAll, beforeAll, expect, test } from 'bun:test';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FakeRegistry } from '#test/support/fake-registry';
import { ImageRig } from './rig.ts';

let rig: ImageRig;
beforeAll(async () => {
  rig = await ImageRig.start();
}, 300_000);
afterAll(() => rig[Symbol.asyncDispose]());
const run: ImageRig['run'] = (...argv) => rig.run(...argv);
const runWith: ImageRig['runWith'] = (input, ...argv) => rig.runWith(input, ...argv);
const out: ImageRig['out'] = (...argv) => rig.out(...argv);
const busyboxId: ImageRig['busyboxId'] = () => rig.busyboxId();

// shows: login, login --username, login -u, login --password-stdin, login --password, login -p, logout
test('a login is checked, kept as docker keeps it, and forgotten', async () => {
  const path = join(rig.directory, 'docker/config.json');
  const wrong = await runWith({ stdin: 'wrong' }, 'login', '-u', 'me', '--password-stdin', rig.registry.host);
  expect(wrong.code).toBe(1);
  expect(wrong.err).toContain('401 Unauthorized');
  expect(existsSync(path)).toBe(false);
  const right = await runWith(
    { stdin: 'secret\n' },
    'login',
    '--username',
    'me',
    '--password-stdin',
    rig.registry.host,
  );
  expect(right).toEqual({
    code: 0,
    out: 'Login Succeeded\n',
    err: `WARNING! Your password will be stored unencrypted in ${path}.\n`,
  });
  expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({
    auths: { [rig.registry.host]: { auth: btoa('me:secret') } },
  });
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect((await run('login', '-u', 'me', '-p', 'secret', rig.registry.host)).err).toContain(
    'Using --password via the CLI is insecure',
  );
  expect((await run('login', rig.registry.host)).err).toContain(
    'Cannot perform an interactive login from a non TTY device',
  );
  expect(await out('logout', rig.registry.host)).toBe(`Removing login credentials for ${rig.registry.host}\n`);
  expect(await out('logout', rig.registry.host)).toBe(`Not logged in to ${rig.registry.host}\n`);
  expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({ auths: {} });
});

// shows: push, push --quiet, push -q, push --all-tags, push -a, pull, pull --quiet, pull -q, pull --unpack, pull --platform, pull --all-platforms
test('push and pull go by the login', async () => {
  const name = `${rig.registry.host}/lib/box`;
  await out('tag', 'busybox', `${name}:1`);
  await out('tag', 'busybox', name);
  expect((await run('push', `${name}:1`)).err).toMatch(/401|authorization|denied/i);
  await runWith({ stdin: 'secret' }, 'login', '-u', 'me', '--password-stdin', rig.registry.host);
  const id = await busyboxId();
  const pushed = await out('push', `${name}:1`);
  expect(pushed).toStartWith(`The push refers to repository [${name}]\n`);
  expect(pushed).toContain(`1: digest: ${id} size: `);
  expect((await out('push', '-q', '-a', name)).trim().split('\n').sort()).toEqual([`${name}:1`, `${name}:latest`]);
  expect((await run('push', `${name}:none`)).err).toContain('tag does not exist');
  await out('rmi', `${name}:1`, name);
  const pulled = await out('pull', name);
  expect(pulled).toStartWith('Using default tag: latest\n');
  expect(pulled).toEndWith(`Digest: ${id}\nStatus: Downloaded newer image for ${name}:latest\n${name}:latest\n`);
  expect(await out('pull', name)).toContain(`Status: Image is up to date for ${name}:latest`);
  expect(await out('pull', '-q', '--unpack', 'false', `${name}:1`)).toBe(`${name}:1\n`);
  expect(await out('pull', '--quiet', '--all-platforms', `${name}@${id}`)).toBe(`${name}@${id}\n`);
  expect(await out('pull', '-q', '--platform', `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`, name)).toBe(
    `${name}:latest\n`,
  );
  expect((await run('pull', `${rig.registry.host}/lib/nothing`)).err).toMatch(/not found|unknown/);
  expect((await run('pull', 'X')).err).toContain('must be lowercase');
}, 300_000);

test('a credential helper keeps what docker would give it', async () => {
  const bin = join(rig.directory, 'bin');
  mkdirSync(bin);
  const store = join(rig.directory, 'kept');
  const script = `#!/bin/sh\nread -r line\ncase $1 in\nstore) echo "$line" > ${store} ;;\nget) cat ${store} 2> /dev/null || { echo credentials not found in native keychain; exit 1; } ;;\nerase) rm -f ${store} ;;\nesac\n`;
  writeFileSync(join(bin, 'docker-credential-berthtest'), script);
  chmodSync(join(bin, 'docker-credential-berthtest'), 0o755);
  const config = join(rig.directory, 'docker-helper');
  mkdirSync(config);
  writeFileSync(join(config, 'config.json'), JSON.stringify({ credsStore: 'berthtest', other: { kept: true } }));
  const path = process.env.PATH;
  process.env.PATH = `${bin}:${path}`;
  try {
    const env = { DOCKER_CONFIG: config };
    const name = `${rig.registry.host}/lib/box:1`;
    expect((await runWith({ env }, 'pull', '-q', name)).code).toBe(1);
    const ran = await runWith({ env, stdin: 'secret' }, 'login', '-u', 'me', '--password-stdin', rig.registry.host);
    expect(ran).toEqual({ code: 0, out: 'Login Succeeded\n', err: '' });
    expect(JSON.parse(readFileSync(store, 'utf8'))).toEqual({
      ServerURL: rig.registry.host,
      Username: 'me',
      Secret: 'secret',
    });
    expect(JSON.parse(readFileSync(join(config, 'config.json'), 'utf8'))).toEqual({
      credsStore: 'berthtest',
      other: { kept: true },
      auths: { [rig.registry.host]: {} },
    });
    expect((await runWith({ env }, 'pull', '-q', name)).code).toBe(0);
    await runWith({ env }, 'logout', rig.registry.host);
    expect(existsSync(store)).toBe(false);
    writeFileSync(
      join(config, 'config.json'),
      JSON.stringify({ credHelpers: { [rig.registry.host]: 'no-such-helper' } }),
    );
    expect((await runWith({ env }, 'pull', '-q', name)).err).toContain('docker-credential-no-such-helper');
  } finally {
    process.env.PATH = path;
  }
});

// shows: save --platform, save --all-platforms, load --platform, load --all-platforms, push --platform, push --all-platforms, image convert --platform, image convert --all-platforms, push --allow-nondistributable-artifacts
test('platforms are chosen, and one that an image has not is refused', async () => {
  const own = `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`;
  const file = join(rig.directory, 'platforms.tar');
  const name = `${rig.registry.host}/lib/platforms`;
  await runWith({ stdin: 'secret' }, 'login', '-u', 'me', '--password-stdin', rig.registry.host);
  await out('tag', 'busybox', name);
  for (const choice of [['--platform', own], ['--all-platforms']]) {
    await out('save', ...choice, '-o', file, name);
    await out('rmi', name);
    expect(await out('load', ...choice, '-i', file)).toBe(`Loaded image: ${name}:latest\n`);
    expect(await out('push', '-q', ...choice, name)).toBe(`${name}:latest\n`);
    expect(await out('image', 'convert', '--oci', ...choice, 'busybox', 'chosen')).toMatch(/^sha256:/);
  }
  expect(await out('push', '-q', '--allow-nondistributable-artifacts', name)).toBe(`${name}:latest\n`);
  expect((await run('save', '--platform', 'linux/s390x', '-o', file, name)).code).toBe(1);
  expect((await run('save', '--platform', own, '--all-platforms', '-o', file, name)).err).toContain(
    'cannot be used together',
  );
  expect((await run('load', '--platform', 'a/b/c/d', '-i', file)).code).toBe(1);
}, 300_000);

// shows: manifest inspect, manifest inspect --verbose, manifest inspect --insecure
test('a manifest is shown as the registry has it', async () => {
  const name = `${rig.registry.host}/lib/shown:1`;
  await runWith({ stdin: 'secret' }, 'login', '-u', 'me', '--password-stdin', rig.registry.host);
  await out('tag', 'busybox', name);
  await out('push', '-q', name);
  const manifest = JSON.parse(await out('manifest', 'inspect', name));
  expect(manifest).toMatchObject({ schemaVersion: 2, layers: [{ digest: expect.any(String) }] });
  expect(JSON.parse(await out('manifest', 'inspect', '--insecure', '--verbose', name))).toEqual({
    Ref: name,
    Descriptor: { mediaType: manifest.mediaType, digest: await busyboxId(), size: expect.any(Number) },
    OCIManifest: manifest,
  });
  expect((await run('manifest', 'inspect', `${rig.registry.host}/lib/none`)).err).toContain('no such manifest');
});

// shows: search, search --limit, search --filter, search -f, search --no-trunc, search --format
test('search asks a registry that can search, and says of others that they cannot', async () => {
  await using fake = await FakeRegistry.start();
  const results = [
    { name: 'nginx', description: `Official\nbuild ${'x'.repeat(50)}`, star_count: 21000, is_official: true },
    { name: 'my/nginx', description: 'mine', star_count: 3, is_automated: true },
  ];
  const asked: string[] = [];
  fake.intercept = async (_, response, { url }) => {
    if (!url.startsWith('/v1/search')) return false;
    asked.push(url);
    response.end(JSON.stringify({ results }));
    return true;
  };
  const search = async (...argv: readonly string[]) => out('search', ...argv, `${fake.host}/nginx`);
  expect(await search()).toBe(
    `NAME       DESCRIPTION                                     STARS     OFFICIAL\nnginx      Official build ${'x'.repeat(29)}…   21000     [OK]\nmy/nginx   mine                                            3         \n`,
  );
  expect(asked).toEqual(['/v1/search?q=nginx&n=25']);
  expect(await search('--limit', '5', '-f', 'stars=10', '--format', '{{.Name}}')).toBe('nginx\n');
  expect(asked[1]).toBe('/v1/search?q=nginx&n=5');
  expect(await search('--filter', 'is-official=false', '--format', '{{.Name}}')).toBe('my/nginx\n');
  expect(await search('--no-trunc', '--format', '{{.Description}}', '-f', 'is-official=true')).toContain(
    'x'.repeat(50),
  );
  expect((await run('search', `${rig.registry.host}/x`)).err).toContain('has no search');
  expect((await run('search', '--limit', '0', 'x')).err).toContain('outside the range of [1, 100]');
});
