import { afterAll, beforeAll, expect, test } from 'bun:test';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openClient } from '#client/client';
import { convertImage } from '#client/convert-image';
import { writeBlob } from '#client/write-blob';
import { manifestsOf, readBlob } from '#core/images/image-content';
import { scopeOf } from '#core/scope';
import { defaultPlatform, onlyPlatform } from '#lib/platform';
import { busyboxImage } from '#test/support/busybox-image';
import { type Finished, run, startDaemon, type TestDaemon } from '#test/support/daemon';
import { DockerRegistry } from '#test/support/docker-registry';
import { writeOciArchive } from '#test/support/oci-archive';
import { PeerContainerd } from '#test/support/peer-containerd';
import { sampleImage } from '#test/support/sample-image';

// Debian's skopeo has ocicrypt, the library that everybody encrypts images with: what it encrypts we decrypt, and the other way round.

const built = new URL('../../dist/bin', import.meta.url).pathname;
const plain = 'docker.io/library/plain:1';
const open = new AsyncDisposableStack();
let daemon: TestDaemon;
let theirs: PeerContainerd;
let registry: DockerRegistry;
let directory: string;
let bin: string;
let containers = 0;

const at = (name: string) => join(directory, name);

beforeAll(async () => {
  directory = mkdtempSync('/dev/shm/berth-encrypted-');
  open.defer(() => rmSync(directory, { recursive: true }));
  bin = at('bin');
  for (const path of [bin, at('keys'), at('none')]) mkdirSync(path);
  // Without its launcher, which looks for it beside itself.
  linkOrCopy(join(built, '../lib/berth/ctd-decoder'), join(bin, 'ctd-decoder'));
  linkOrCopy(join(built, 'containerd-shim-runc-v2'), join(bin, 'containerd-shim-runc-v2'));
  const kinds = {
    rsa: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
    ec: () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  };
  for (const [name, make] of Object.entries(kinds)) {
    const { publicKey, privateKey } = make();
    writeFileSync(at(`${name}.pub`), publicKey.export({ format: 'pem', type: 'spki' }));
    writeFileSync(at(`${name}.pem`), privateKey.export({ format: 'pem', type: 'pkcs8' }));
  }
  writeFileSync(at('keys/node.pem'), readFileSync(at('rsa.pem')));
  writeFileSync(at('keys/README'), 'not a key');
  const image = busyboxImage();
  writeOciArchive(at('plain.tar'), plain, {
    'linux/amd64': image,
    'linux/arm64': sampleImage(image.layers, { architecture: 'arm64' }),
  });
  daemon = open.use(
    await startDaemon({
      parent: '/dev/shm',
      config: processors(at('keys')),
      env: { PATH: `${bin}:${process.env.PATH}` },
    }),
  );
  theirs = open.use(await PeerContainerd.start({ parent: '/dev/shm', path: [bin], tables: processors(at('keys')) }));
  registry = open.use(await DockerRegistry.start('/dev/shm'));
  await fine(ours('images', 'import', '--all-platforms', at('plain.tar')));
}, 120_000);
afterAll(() => open.disposeAsync(), 120_000);

function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    writeFileSync(to, readFileSync(from), { mode: 0o755 }); // another file system
  }
}

/** As in the default configuration, but for the directory with the keys. */
function processors(keys: string): string {
  return ['', '+gzip']
    .map(
      (suffix) => `[stream_processors.'io.containerd.ocicrypt.decoder.v1.tar${suffix.replace('+', '.')}']
accepts = ['application/vnd.oci.image.layer.v1.tar${suffix}+encrypted']
returns = 'application/vnd.oci.image.layer.v1.tar${suffix}'
path = 'ctd-decoder'
args = ['--decryption-keys-path', '${keys}']`,
    )
    .join('\n');
}

const ours = (...args: readonly string[]) => run(join(built, 'ctr'), ['-a', daemon.address, ...args]);
const skopeo = (...args: readonly string[]) => run('skopeo', ['copy', '--insecure-policy', ...args]);

async function fine(work: Promise<Finished>): Promise<Finished> {
  const finished = await work;
  expect([finished.code, finished.stderr]).toEqual([0, finished.stderr]);
  return finished;
}

/** The layers of all platforms that are here, as media type and digest. */
async function layersOf(name: string): Promise<readonly string[]> {
  await using client = openClient(daemon.address);
  const scope = scopeOf('default');
  const { target } = await client.images.get(scope, name);
  const found = await manifestsOf(client.content, scope, target);
  return [
    ...new Set(
      found.flatMap(({ manifest }) => manifest.layers.map(({ mediaType, digest }) => `${mediaType} ${digest}`)),
    ),
  ];
}

test('what we encrypt, skopeo decrypts; for several recipients, each of them', async () => {
  for (const [recipients, keys] of [
    [['rsa'], ['rsa']],
    [['ec'], ['ec']],
    [
      ['ec', 'rsa'],
      ['rsa', 'ec'],
    ],
  ] as const) {
    const name = `enc-${recipients.join('-')}:1`;
    await fine(
      ours('images', 'encrypt', ...recipients.flatMap((one) => ['--recipient', `jwe:${at(one)}.pub`]), plain, name),
    );
    await fine(ours('images', 'export', '--all-platforms', at('enc.tar'), name));
    for (const key of keys)
      await fine(
        skopeo('--decryption-key', at(`${key}.pem`), `oci-archive:${at('enc.tar')}`, `dir:${at(`out-${key}`)}`),
      );
    expect((await skopeo(`oci-archive:${at('enc.tar')}`, `docker-archive:${at('no.tar')}`)).code).not.toBe(0);
  }
}, 120_000);

test('what skopeo encrypts, we decrypt, and get what it was', async () => {
  for (const kind of ['rsa', 'ec']) {
    const name = `docker.io/library/theirs-${kind}:1`;
    await fine(
      skopeo(
        '--encryption-key',
        `jwe:${at(`${kind}.pub`)}`,
        `oci-archive:${at('plain.tar')}`,
        `oci-archive:${at(`${kind}.tar`)}:${name}`,
      ),
    );
    await fine(ours('images', 'import', '--no-unpack', at(`${kind}.tar`)));
    await fine(ours('images', 'decrypt', '--key', at(`${kind}.pem`), name, `decrypted-${kind}:1`));
    expect((await layersOf(name)).every((layer) => layer.includes('+encrypted '))).toBe(true);
    expect(await layersOf(`decrypted-${kind}:1`)).toEqual(await layersOf(plain));
  }
}, 120_000);

test('an encrypted image is pulled, unpacked and run by our daemon: by Debian’s ctr and by ours', async () => {
  const name = `${registry.host}/lib/secret:1`;
  await fine(ours('images', 'encrypt', '--recipient', `jwe:${at('rsa.pub')}`, plain, name));
  await fine(ours('images', 'push', '--plain-http', name));
  for (const [at, ctr] of ['/usr/bin/ctr', join(built, 'ctr')].entries()) {
    // Each in a namespace of its own, where nothing is unpacked yet.
    const there = ['-a', daemon.address, '-n', `fresh${at}`];
    await fine(run(ctr, [...there, 'images', 'pull', '--plain-http', name]));
    const id = `enc-${process.pid}-${containers++}`;
    const said = await fine(run(ctr, [...there, 'run', '--rm', name, id, 'echo', 'decrypted']));
    expect(said.stdout).toBe('decrypted\n');
  }
}, 120_000);

test('a containerd 1.6 unpacks one with our decoder, told by our ctr', async () => {
  const name = `${registry.host}/lib/secret:1`;
  const there = ['-a', theirs.address];
  await fine(run(join(built, 'ctr'), [...there, 'images', 'pull', '--plain-http', name]));
  const said = await fine(
    run(join(built, 'ctr'), [...there, 'run', '--rm', name, `enc-${process.pid}-${containers++}`, 'echo', 'there']),
  );
  expect(said.stdout).toBe('there\n');
}, 120_000);

test('without the right key nothing is unpacked, and the reason is told without a word of keys', async () => {
  const name = `${registry.host}/lib/ec:1`;
  await fine(ours('images', 'encrypt', '--recipient', `jwe:${at('ec.pub')}`, plain, name));
  await fine(ours('images', 'push', '--plain-http', name));
  await fine(ours('images', 'rm', '--sync', name));
  const { code, stderr } = await ours('-n', 'apart', 'images', 'pull', '--plain-http', name);
  expect(code).toBe(1);
  expect(stderr).toContain('missing private key needed for decryption');
  expect(`${stderr}${daemon.log}`).not.toMatch(/PRIVATE KEY|symkey/);
  expect((await ours('-n', 'apart', 'snapshots', 'ls')).stdout.trim().split('\n')).toHaveLength(1);
  expect((await ours('-n', 'apart', 'images', 'ls', '-q')).stdout).toBe('');
}, 120_000);

/** What becomes of an encrypted layer between him who made it and us. */
const damages: Readonly<Record<string, readonly [damage: (layer: Damaged) => Damaged, reason: RegExp]>> = {
  // What comes out is unpacked while the rest is decrypted: either may be the first to see it.
  'one bit': [
    ({ bytes, ...rest }) => ({ ...rest, bytes: flipped(bytes) }),
    /does not match its HMAC|data loss|invalid argument/,
  ],
  'its end': [
    ({ bytes, ...rest }) => ({ ...rest, bytes: bytes.subarray(0, -1000) }),
    /does not match its HMAC|data loss|invalid argument/,
  ],
  'its keys': [
    (layer) => annotated(layer, keysName, (text) => `A${text.slice(1)}`),
    /annotation org\.opencontainers\.image\.enc\.keys\.jwe: /,
  ],
  'its HMAC': [
    (layer) =>
      annotated(layer, optionsName, (text) =>
        Buffer.from(atob(text).replace(/"hmac":"[^"]*"/, '"hmac":"AAAA"')).toString('base64'),
      ),
    /does not match its HMAC/,
  ],
  'too many keys': [(layer) => annotated(layer, keysName, (text) => 'x'.repeat(2_500_000) + text), /at most/],
};
const keysName = 'org.opencontainers.image.enc.keys.jwe';
const optionsName = 'org.opencontainers.image.enc.pubopts';

interface Damaged {
  readonly bytes: Uint8Array;
  readonly annotations: Readonly<Record<string, string>>;
}

function flipped(bytes: Uint8Array): Uint8Array {
  const changed = Uint8Array.from(bytes);
  changed[1000] = (changed[1000] as number) ^ 1;
  return changed;
}

const annotated = ({ bytes, annotations }: Damaged, name: string, change: (text: string) => string): Damaged => ({
  bytes,
  annotations: { ...annotations, [name]: change(annotations[name] as string) },
});

for (const [what, [damage, reason]] of Object.entries(damages))
  test(`a layer that lost ${what} is an error, and nothing of it stays`, async () => {
    const name = `${registry.host}/lib/damaged${Object.keys(damages).indexOf(what)}:1`;
    await fine(
      ours('images', 'encrypt', '--platform', 'linux/amd64', '--recipient', `jwe:${at('rsa.pub')}`, plain, name),
    );
    await using client = openClient(daemon.address);
    await convertImage(client, scopeOf('default'), name, name, {
      platforms: onlyPlatform(defaultPlatform()),
      layer: async (content, scope, layer, place) => {
        if (place === undefined) return undefined;
        const { bytes, annotations } = damage({
          bytes: await readBlob(content, scope, layer, 64 << 20),
          annotations: layer.annotations ?? {},
        });
        return { ...layer, ...(await writeBlob(content, scope, { mediaType: layer.mediaType, bytes })), annotations };
      },
    });
    const apart = ['-n', `damaged${Object.keys(damages).indexOf(what)}`];
    await fine(ours('images', 'push', '--plain-http', name));
    const { code, stderr } = await ours(...apart, 'images', 'pull', '--plain-http', name);
    expect([code, stderr]).toEqual([1, expect.stringMatching(reason)]);
    expect((await ours(...apart, 'snapshots', 'ls')).stdout.trim().split('\n')).toHaveLength(1);
    expect((await ours(...apart, 'images', 'ls', '-q')).stdout).toBe('');
  }, 120_000);

test('CVE-2022-24778: who cannot decrypt all platforms cannot decrypt one', async () => {
  const name = 'split:1';
  await fine(
    ours('images', 'encrypt', '--platform', 'linux/amd64', '--recipient', `jwe:${at('rsa.pub')}`, plain, 'half:1'),
  );
  await fine(
    ours('images', 'encrypt', '--platform', 'linux/arm64', '--recipient', `jwe:${at('ec.pub')}`, 'half:1', name),
  );
  const one = await ours('images', 'decrypt', '--platform', 'linux/amd64', '--key', at('rsa.pem'), name, 'out:1');
  expect([one.code, one.stderr]).toEqual([1, expect.stringContaining('missing private key needed for decryption')]);
  await fine(
    ours(
      'images',
      'decrypt',
      '--platform',
      'linux/amd64',
      '--key',
      at('rsa.pem'),
      '--key',
      at('ec.pem'),
      name,
      'out:1',
    ),
  );
}, 120_000);

test('bad flags are refused plainly', async () => {
  for (const [args, reason] of [
    [['--recipient', 'pgp:a@b'], 'recipient of the kind pgp'],
    [['--recipient', 'rsa.pub'], 'wanted jwe:<public key file>'],
    [['--recipient', `jwe:${at('keys/README')}`], 'no public key that can be read'],
    [[], 'no recipients given'],
    [['--gpg-homedir', '/x', '--recipient', `jwe:${at('rsa.pub')}`], 'GPG keys'],
    [['--layer', 'x', '--recipient', `jwe:${at('rsa.pub')}`], 'wanted a whole number'],
    [['--platform', 'linux/s390x', '--recipient', `jwe:${at('rsa.pub')}`], 'not found'],
  ] as const) {
    const { code, stderr } = await ours('images', 'encrypt', ...args, plain, 'bad:1');
    expect([args, code, stderr]).toEqual([args, 1, expect.stringContaining(reason)]);
  }
  const alone = await run(join(bin, 'ctd-decoder'), ['--decryption-keys-path', at('keys')]);
  expect([alone.code, alone.stderr]).toEqual([1, expect.stringContaining('nothing on descriptor 3')]);
  expect(existsSync(at('no.tar'))).toBe(false);
}, 120_000);

test('an image without such a layer, or for another platform, is not taken for encrypted', async () => {
  const to = ['--recipient', `jwe:${at('rsa.pub')}`];
  for (const flags of [
    ['--layer', '7'],
    ['--platform', 'linux/s390x'],
  ]) {
    const said = await ours('images', 'encrypt', ...to, ...flags, plain, 'nothing:1');
    expect([said.code, said.stderr]).toEqual([
      1,
      expect.stringContaining('such a layer for these platforms: not found'),
    ]);
  }
  expect((await fine(ours('images', 'ls', '-q'))).stdout.split('\n')).not.toContain('nothing:1');
});
