import { afterAll, beforeAll, expect, test } from 'bun:test';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sampleLayer } from '#test/support/sample-image';
import { plant, type ShowRig } from '../nerdctl-show/rig.ts';
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
  const shows: ShowRig = {
    client: rig.daemon.client,
    scope: rig.daemon.scope,
    address: rig.daemon.daemon.address,
    dataRoot: join(rig.directory, 'data'),
  };
  const id = 'f'.repeat(64);
  await out('import', await tarFile('used', { x: '1' }), 'used');
  await plant(shows, { id, name: 'user', image: 'docker.io/library/used:latest' });
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
    await rig.daemon.client.containers.delete(rig.daemon.scope, id);
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
  const file = join(rig.directory, 'saved.tar');
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
  expect((await run('load', '-i', join(rig.directory, 'none.tar'))).code).toBe(1);
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
  const [open, secret] = [join(rig.directory, 'open.pem'), join(rig.directory, 'secret.pem')];
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

async function tarFile(name: string, files: Readonly<Record<string, string>>): Promise<string> {
  const path = join(rig.directory, `${name}.tar`);
  writeFileSync(path, sampleLayer(files).tar);
  return path;
}
