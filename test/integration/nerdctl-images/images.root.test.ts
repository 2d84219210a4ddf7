import { afterAll, beforeAll, expect, test } from 'bun:test';
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nerdctl } from '#cmd/nerdctl/program';
import { type BusyboxDaemon, startBusyboxDaemon } from '#test/support/busybox-daemon';
import { DockerRegistry } from '#test/support/docker-registry';
import { FakeRegistry } from '#test/support/fake-registry';
import { type ProgramInput, type Ran, runProgramForTest } from '#test/support/run-program';
import { sampleLayer } from '#test/support/sample-image';
import { plant } from '../nerdctl-show/rig.ts';

let daemon: BusyboxDaemon;
let registry: DockerRegistry;
let directory: string;
const held = new AsyncDisposableStack();

beforeAll(async () => {
  directory = mkdtempSync('/tmp/berth-images-');
  held.defer(() => rmSync(directory, { recursive: true }));
  registry = held.use(await DockerRegistry.start('/tmp', { user: 'me', password: 'secret' }));
  daemon = held.use(await startBusyboxDaemon());
  // The daemon's test image has a name of its own; docker's users know another.
  await run('tag', 'busybox', 'busybox');
  await daemon.client.images.delete(daemon.scope, 'busybox');
}, 60_000);
afterAll(() => held.disposeAsync());

function run(...argv: readonly string[]): Promise<Ran> {
  return runWith({}, ...argv);
}

function runWith(input: ProgramInput, ...argv: readonly string[]): Promise<Ran> {
  const { address } = daemon.daemon;
  const globals = ['-a', address, '-n', daemon.scope.namespace, '--data-root', join(directory, 'data')];
  const env = { DOCKER_CONFIG: join(directory, 'docker'), PATH: process.env.PATH ?? '', ...input.env };
  return runProgramForTest(nerdctl, [...globals, ...argv], { ...input, env });
}

/** What it printed. @throws with its words when it failed */
async function out(...argv: readonly string[]): Promise<string> {
  const ran = await run(...argv);
  if (ran.code !== 0) throw new Error(`${argv.join(' ')}: ${ran.code}: ${ran.err}`);
  return ran.out;
}
const busyboxId = async (): Promise<string> => (await out('images', '-q', '--no-trunc', 'busybox')).trim();

// shows: images, images --quiet, images -q, images --no-trunc, images --digests, images --format, image ls
test('images are listed as docker lists them', async () => {
  const id = await busyboxId();
  expect(id).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(await out('images')).toMatch(
    new RegExp(
      `^REPOSITORY   TAG       IMAGE ID       CREATED +SIZE\nbusybox      latest    ${id.slice(7, 19)}   N/A +[\\d.]+MB\n$`,
    ),
  );
  expect(await out('images', '--digests')).toContain(`latest    ${id}   ${id.slice(7, 19)}`);
  expect(await out('image', 'ls', '--no-trunc', '--format', '{{.Repository}}:{{.Tag}} {{.ID}} {{.Digest}}')).toBe(
    `busybox:latest ${id} ${id}\n`,
  );
  expect(JSON.parse(await out('images', '--format', 'json'))).toMatchObject({
    Repository: 'busybox',
    Containers: 'N/A',
  });
  expect((await out('images', '--format', 'wide')).split('\n')[0]).toMatch(/PLATFORM +SIZE +BLOB SIZE$/);
});

// shows: images --names, images --all, images -a
test('whole names may be asked for, and nothing is hidden', async () => {
  expect(await out('images', '--names')).toContain('docker.io/library/busybox:latest');
  expect(await out('images', '-a', '-q')).toBe(await out('images', '--all', '-q'));
});

// shows: tag, image tag, rmi, image rm, rmi --async
test('names are given and taken, and the image goes with its last', async () => {
  await out('import', await tarFile('made', { 'etc/made': 'yes' }), 'made:1');
  expect(await out('tag', 'made:1', 'localhost:5000/x/made')).toBe('');
  await out('image', 'tag', 'made:1', 'made:2');
  const id = (await out('images', '-q', '--no-trunc', 'made:1')).trim();
  expect(
    (await out('images', '--format', '{{.Repository}}:{{.Tag}}', '-f', 'reference=*made*')).trim().split('\n').sort(),
  ).toEqual(['made:1', 'made:2']);
  expect(await out('rmi', 'made:2')).toBe('Untagged: made:2\n');
  const several = await run('rmi', id.slice(7, 19));
  expect(several).toMatchObject({
    code: 1,
    err: `Error response from daemon: conflict: unable to delete ${id.slice(7, 19)} (must be forced) - image is referenced in multiple repositories\n`,
  });
  expect(await out('rmi', '--async', 'localhost:5000/x/made')).toBe('Untagged: localhost:5000/x/made:latest\n');
  expect(await out('image', 'rm', 'made:1')).toMatch(new RegExp(`^Untagged: made:1\nDeleted: ${id}\nDeleted: sha256:`));
  expect(await run('rmi', 'made:1')).toEqual({ code: 1, out: '', err: 'Error: No such image: made:1\n' });
  // shows: rmi --force, rmi -f
  expect((await run('rmi', '-f', 'made:1')).code).toBe(0);
});

test('names that are none, and images that are not there, are told in docker’s words', async () => {
  expect(await run('tag', 'nope', 'x')).toMatchObject({
    code: 1,
    err: 'Error response from daemon: No such image: nope\n',
  });
  expect((await run('tag', 'busybox', 'X:y')).err).toContain('"X:y" is not a valid repository/tag');
  expect((await run('history', 'nope')).err).toContain('No such image: nope');
  expect(await run('image', 'inspect', 'nope')).toEqual({ code: 1, out: '[]\n', err: 'Error: No such image: nope\n' });
});

test('an image that containers are of is not removed', async () => {
  const rig = {
    client: daemon.client,
    scope: daemon.scope,
    address: daemon.daemon.address,
    dataRoot: join(directory, 'data'),
  };
  const id = 'f'.repeat(64);
  await out('import', await tarFile('used', { x: '1' }), 'used');
  await plant(rig, { id, name: 'user', image: 'docker.io/library/used:latest' });
  try {
    const image = (await out('images', '-q', 'used')).trim();
    expect((await run('rmi', 'used')).err).toBe(
      `Error response from daemon: conflict: unable to remove repository reference "used" (must force) - container ffffffffffff is using its referenced image ${image}\n`,
    );
    expect((await run('rmi', image)).err).toContain(
      `unable to delete ${image} (must be forced) - image is being used by stopped container ffffffffffff`,
    );
    expect(await out('image', 'prune', '-a', '-f', '--filter', 'label=none')).toBe('Total reclaimed space: 0B\n');
    expect(await out('rmi', '-f', 'used')).toContain('Untagged: used:latest');
  } finally {
    await daemon.client.containers.delete(daemon.scope, id);
  }
});

// shows: import, import --change, import -c, import --message, import -m, import --platform, history, history --no-trunc, history --format, history -q, history -H
test('a tar becomes an image with a history', async () => {
  const tar = await tarFile('root', { 'bin/': '', 'etc/x': 'x' });
  const id = await out(
    'import',
    '-c',
    'CMD ["sh"]',
    '--change',
    'ENV A=1',
    '--change',
    'LABEL k=v',
    '-m',
    'made of a tar',
    tar,
    'imported:v1',
  );
  expect(id).toMatch(/^sha256:[0-9a-f]{64}\n$/);
  expect(
    await out(
      'image',
      'inspect',
      '-f',
      '{{json .Config.Cmd}} {{.Config.Env}} {{.Config.Labels.k}} {{.Os}} {{.Comment}}',
      'imported:v1',
    ),
  ).toBe('["sh"] [A=1] v linux made of a tar\n');
  expect(await out('history', 'imported:v1')).toMatch(
    new RegExp(
      `^IMAGE          CREATED +CREATED BY   SIZE      COMMENT\n${id.slice(7, 19)}   .* ago +\\d.*B +made of a tar\n$`,
    ),
  );
  expect(await out('history', '-q', '--no-trunc', 'imported:v1')).toBe(id);
  expect(await out('history', '-H=false', '--format', '{{.CreatedSince}}|{{.Size}}', 'imported:v1')).toMatch(
    /^\d{4}-\d\d-\d\dT[\d:]+(?:Z|[+-][\d:]+)\|\d+\n$/,
  );
  const other = await out('import', '--platform', 'linux/arm64', tar, 'imported:arm');
  expect(await out('inspect', '-f', '{{.Architecture}}', other.trim())).toBe('arm64\n');
  expect((await run('import', '-c', 'RUN x', tar, 'bad')).err).toContain('run is not a valid change command');
  const piped = await runWith({ stdin: readFileSync(tar) }, 'import', '-');
  expect(piped.code).toBe(0);
  expect(await out('images', '-f', 'dangling=true', '-q', '--no-trunc')).toBe(piped.out);
});

// shows: image inspect, image inspect --format, image inspect --mode, image inspect --platform
test('inspect tells an image as docker does', async () => {
  const [found] = JSON.parse(await out('image', 'inspect', 'busybox'));
  expect(found).toMatchObject({
    Id: await busyboxId(),
    RepoTags: ['busybox:latest'],
    RepoDigests: [`busybox@${await busyboxId()}`],
    Os: 'linux',
    Architecture: expect.any(String),
    Size: expect.any(Number),
    RootFS: { Type: 'layers', Layers: [expect.stringMatching(/^sha256:/)] },
  });
  expect(JSON.parse(await out('image', 'inspect', '--mode', 'native', 'busybox'))[0]).toMatchObject({
    Image: { Name: 'docker.io/library/busybox:latest' },
    ImageConfig: { os: 'linux' },
  });
  expect(await out('image', 'inspect', '--platform', 'linux/arm64', '-f', '{{.Architecture}}', 'imported:arm')).toBe(
    'arm64\n',
  );
  expect((await run('image', 'inspect', '--platform', 'linux/s390x', 'busybox')).code).toBe(1);
});

// shows: images --filter, images -f
test('images are filtered as docker filters them', async () => {
  const names = async (...filters: readonly string[]) =>
    (await out('images', '--format', '{{.Repository}}:{{.Tag}}', ...filters.flatMap((each) => ['-f', each])))
      .trim()
      .split('\n')
      .sort();
  expect(await names('label=k=v')).toEqual(['imported:v1']);
  expect(await names('reference=imported:*')).toEqual(['imported:arm', 'imported:v1']);
  expect(await names('reference=busy*')).toEqual(['busybox:latest']);
  expect(await names('since=busybox', 'reference=imported')).toEqual(['imported:arm', 'imported:v1']);
  expect(await names('before=imported:v1', 'dangling=false')).toContain('busybox:latest');
  expect(await names('dangling=false', 'reference=imported:v?')).toEqual(['imported:v1']);
  expect((await run('images', '-f', 'foo=bar')).err).toBe("Error response from daemon: Invalid filter 'foo'\n");
  expect(await out('images', '--format', '{{.Tag}}', 'imported:v1')).toBe('v1\n');
});

// shows: image prune, image prune --all, image prune -a, image prune --filter, image prune --force, image prune -f
test('what nobody needs goes, after a question', async () => {
  const asked = await runWith({ stdin: 'n\n' }, 'image', 'prune');
  expect(asked.out).toBe('WARNING! This will remove all dangling images.\nAre you sure you want to continue? [y/N] ');
  const dangling = (await out('images', '-f', 'dangling=true', '-q', '--no-trunc')).trim();
  const pruned = await runWith({ stdin: 'y\n' }, 'image', 'prune');
  expect(pruned.out).toContain(`deleted: ${dangling}\n\nTotal reclaimed space: `);
  expect(await out('images', '-f', 'dangling=true', '-q')).toBe('');
  expect(await out('image', 'prune', '--all', '--force', '--filter', 'until=1h', '--filter', 'label=k')).toBe(
    'Total reclaimed space: 0B\n',
  );
  expect(await out('image', 'prune', '-a', '-f', '--filter', 'label=k')).toContain('untagged: imported:v1');
  expect(await out('images', '-q', 'imported:v1')).toBe('');
});

// shows: save, save --output, save -o, load, load --input, load -i, load --quiet, load -q
test('images go into an archive and come out of it', async () => {
  const file = join(directory, 'saved.tar');
  const id = await busyboxId();
  await out('tag', 'busybox', 'saved:1');
  await out('save', '-o', file, 'saved:1', 'busybox');
  expect((await run('save', 'nope')).err).toContain('No such image: nope');
  await out('rmi', 'saved:1');
  expect(await out('load', '-i', file)).toMatch(
    /^Loaded image: (?:saved:1\nLoaded image: busybox:latest|busybox:latest\nLoaded image: saved:1)\n$/,
  );
  await out('rmi', 'saved:1');
  const piped = await run('save', 'busybox');
  expect(piped.out.length).toBeGreaterThan(1000);
  expect((await runWith({ stdin: readFileSync(file) }, 'load', '--quiet')).out).toBe('');
  expect(await busyboxId()).toBe(id);
  expect((await out('images', '-q', '--no-trunc', 'saved:1')).trim()).toBe(id);
  expect((await run('load', '-i', join(directory, 'none.tar'))).code).toBe(1);
});

// shows: login, login --username, login -u, login --password-stdin, login --password, login -p, logout
test('a login is checked, kept as docker keeps it, and forgotten', async () => {
  const path = join(directory, 'docker/config.json');
  const wrong = await runWith({ stdin: 'wrong' }, 'login', '-u', 'me', '--password-stdin', registry.host);
  expect(wrong.code).toBe(1);
  expect(wrong.err).toContain('401 Unauthorized');
  expect(existsSync(path)).toBe(false);
  const right = await runWith({ stdin: 'secret\n' }, 'login', '--username', 'me', '--password-stdin', registry.host);
  expect(right).toEqual({
    code: 0,
    out: 'Login Succeeded\n',
    err: `WARNING! Your password will be stored unencrypted in ${path}.\n`,
  });
  expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({ auths: { [registry.host]: { auth: btoa('me:secret') } } });
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect((await run('login', '-u', 'me', '-p', 'secret', registry.host)).err).toContain(
    'Using --password via the CLI is insecure',
  );
  expect((await run('login', registry.host)).err).toContain(
    'Cannot perform an interactive login from a non TTY device',
  );
  expect(await out('logout', registry.host)).toBe(`Removing login credentials for ${registry.host}\n`);
  expect(await out('logout', registry.host)).toBe(`Not logged in to ${registry.host}\n`);
  expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({ auths: {} });
});

// shows: push, push --quiet, push -q, push --all-tags, push -a, pull, pull --quiet, pull -q, pull --unpack, pull --platform, pull --all-platforms
test('push and pull go by the login', async () => {
  const name = `${registry.host}/lib/box`;
  await out('tag', 'busybox', `${name}:1`);
  await out('tag', 'busybox', name);
  expect((await run('push', `${name}:1`)).err).toMatch(/401|authorization|denied/i);
  await runWith({ stdin: 'secret' }, 'login', '-u', 'me', '--password-stdin', registry.host);
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
  expect((await run('pull', `${registry.host}/lib/nothing`)).err).toMatch(/not found|unknown/);
  expect((await run('pull', 'X')).err).toContain('must be lowercase');
}, 60_000);

test('a credential helper keeps what docker would give it', async () => {
  const bin = join(directory, 'bin');
  mkdirSync(bin);
  const store = join(directory, 'kept');
  const script = `#!/bin/sh\nread -r line\ncase $1 in\nstore) echo "$line" > ${store} ;;\nget) cat ${store} 2> /dev/null || { echo credentials not found in native keychain; exit 1; } ;;\nerase) rm -f ${store} ;;\nesac\n`;
  writeFileSync(join(bin, 'docker-credential-berthtest'), script);
  chmodSync(join(bin, 'docker-credential-berthtest'), 0o755);
  const config = join(directory, 'docker-helper');
  mkdirSync(config);
  writeFileSync(join(config, 'config.json'), JSON.stringify({ credsStore: 'berthtest', other: { kept: true } }));
  const path = process.env.PATH;
  process.env.PATH = `${bin}:${path}`;
  try {
    const env = { DOCKER_CONFIG: config };
    const name = `${registry.host}/lib/box:1`;
    expect((await runWith({ env }, 'pull', '-q', name)).code).toBe(1);
    const ran = await runWith({ env, stdin: 'secret' }, 'login', '-u', 'me', '--password-stdin', registry.host);
    expect(ran).toEqual({ code: 0, out: 'Login Succeeded\n', err: '' });
    expect(JSON.parse(readFileSync(store, 'utf8'))).toEqual({
      ServerURL: registry.host,
      Username: 'me',
      Secret: 'secret',
    });
    expect(JSON.parse(readFileSync(join(config, 'config.json'), 'utf8'))).toEqual({
      credsStore: 'berthtest',
      other: { kept: true },
      auths: { [registry.host]: {} },
    });
    expect((await runWith({ env }, 'pull', '-q', name)).code).toBe(0);
    await runWith({ env }, 'logout', registry.host);
    expect(existsSync(store)).toBe(false);
    writeFileSync(join(config, 'config.json'), JSON.stringify({ credHelpers: { [registry.host]: 'no-such-helper' } }));
    expect((await runWith({ env }, 'pull', '-q', name)).err).toContain('docker-credential-no-such-helper');
  } finally {
    process.env.PATH = path;
  }
});

// shows: image convert, image convert --oci, image convert --uncompress
test('an image is converted, and that it was asked for', async () => {
  expect((await run('image', 'convert', 'busybox', 'plain')).err).toContain('--oci, --uncompress');
  await out('image', 'convert', '--oci', '--uncompress', 'busybox', 'plain');
  expect(
    await out('image', 'inspect', '--mode', 'native', '-f', '{{(index .Manifest.layers 0).mediaType}}', 'plain'),
  ).toBe('application/vnd.oci.image.layer.v1.tar\n');
});

// shows: image encrypt, image encrypt --recipient, image encrypt --platform, image decrypt, image decrypt --key
test('layers are encrypted for a key and opened with it', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const [open, secret] = [join(directory, 'open.pem'), join(directory, 'secret.pem')];
  writeFileSync(open, publicKey);
  writeFileSync(secret, privateKey);
  const type = (image: string) =>
    out('image', 'inspect', '--mode', 'native', '-f', '{{(index .Manifest.layers 0).mediaType}}', image);
  await out('image', 'encrypt', '--recipient', `jwe:${open}`, 'busybox', 'sealed');
  expect(await type('sealed')).toEndWith('+encrypted\n');
  await out('image', 'decrypt', '--key', secret, 'sealed', 'opened');
  expect(await type('opened')).toBe(await type('busybox'));
  expect((await run('image', 'decrypt', 'sealed', 'opened')).code).toBe(1);
  expect((await run('image', 'encrypt', 'busybox', 'x')).err).toContain('--recipient');
  expect(
    (await run('image', 'encrypt', '--platform', 'x/y/z/a', '--recipient', `jwe:${open}`, 'busybox', 'x')).code,
  ).toBe(1);
});

// shows: save --platform, save --all-platforms, load --platform, load --all-platforms, push --platform, push --all-platforms, image convert --platform, image convert --all-platforms, push --allow-nondistributable-artifacts
test('platforms are chosen, and one that an image has not is refused', async () => {
  const own = `linux/${process.arch === 'x64' ? 'amd64' : process.arch}`;
  const file = join(directory, 'platforms.tar');
  const name = `${registry.host}/lib/platforms`;
  await runWith({ stdin: 'secret' }, 'login', '-u', 'me', '--password-stdin', registry.host);
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
}, 60_000);

// shows: manifest inspect, manifest inspect --verbose, manifest inspect --insecure
test('a manifest is shown as the registry has it', async () => {
  const name = `${registry.host}/lib/shown:1`;
  await runWith({ stdin: 'secret' }, 'login', '-u', 'me', '--password-stdin', registry.host);
  await out('tag', 'busybox', name);
  await out('push', '-q', name);
  const manifest = JSON.parse(await out('manifest', 'inspect', name));
  expect(manifest).toMatchObject({ schemaVersion: 2, layers: [{ digest: expect.any(String) }] });
  expect(JSON.parse(await out('manifest', 'inspect', '--insecure', '--verbose', name))).toEqual({
    Ref: name,
    Descriptor: { mediaType: manifest.mediaType, digest: await busyboxId(), size: expect.any(Number) },
    OCIManifest: manifest,
  });
  expect((await run('manifest', 'inspect', `${registry.host}/lib/none`)).err).toContain('no such manifest');
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
  expect((await run('search', `${registry.host}/x`)).err).toContain('has no search');
  expect((await run('search', '--limit', '0', 'x')).err).toContain('outside the range of [1, 100]');
});

async function tarFile(name: string, files: Readonly<Record<string, string>>): Promise<string> {
  const path = join(directory, `${name}.tar`);
  writeFileSync(path, sampleLayer(files).tar);
  return path;
}
