import { afterAll, beforeAll, expect, test } from 'bun:test';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Transfer } from '#api/services/transfer/v1/transfer_pb';
import { nullIo } from '#client/task-io';
import { faultOf } from '#core/subject';
import { clientOf, withScope } from '#rpc/grpc-client';
import { type BusyboxDaemon, startBusyboxDaemon } from '#test/support/busybox-daemon';
import { removeContainer, runContainer } from '#test/support/containers';

const shim = join(import.meta.dirname, '../../../dist/bin/containerd-shim-runc-v2');
let kit: BusyboxDaemon;
let home: string;

beforeAll(async () => {
  kit = await startBusyboxDaemon({ built: false });
  home = mkdtempSync('/tmp/berth-files-');
  mkdirSync(join(home, 'shared'));
  writeFileSync(join(home, 'outside'), 'secret');
  writeFileSync(join(home, 'shared/f'), 'mounted');
  const mounts = [
    { destination: '/shared', type: 'bind', source: join(home, 'shared'), options: ['rbind', 'rw'] },
    { destination: '/fixed', type: 'bind', source: join(home, 'shared'), options: ['rbind', 'ro'] },
    { destination: '/scratch', type: 'tmpfs', source: 'tmpfs', options: [] },
  ];
  await runContainer(kit.client, kit.scope, 'c', {
    top: kit.top,
    args: [
      '/bin/sh',
      '-c',
      'echo in >/scratch/t; ln -s /etc /link; ln -s / /shared/up; mkdir -p /d/e; echo 1 >/d/e/f; mkdir /d/.wh.x; sleep 1000',
    ],
    runtime: shim,
    io: nullIo(),
    spec: (spec) => ({
      ...spec,
      root: { ...spec.root, path: 'rootfs', readonly: false },
      mounts: [...(spec.mounts ?? []), ...mounts],
    }),
  });
  while (
    await kit.client.files
      .read(kit.scope, 'c', '/d/.wh.x')
      [Symbol.asyncIterator]()
      .next()
      .then(
        () => false,
        () => true,
      )
  )
    await new Promise((later) => setTimeout(later, 50));
}, 120_000);

afterAll(async () => {
  await kit.client.tasks.kill(kit.scope, 'c', { execId: '', signal: 9, all: true }).catch(() => {});
  await kit.client.tasks.wait(kit.scope, 'c', '').catch(() => {});
  await kit.client.tasks.delete(kit.scope, 'c').catch(() => {});
  await removeContainer(kit.client, kit.scope, 'c');
  rmSync(home, { recursive: true });
  await kit[Symbol.asyncDispose]();
}, 120_000);

async function copyOut(path: string, noWalk = false): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const bytes of kit.client.files.read(kit.scope, 'c', path, { noWalk })) parts.push(bytes);
  return Buffer.concat(parts);
}

/** Names in an archive, as GNU tar reads them, and the content of one of them. */
function names(archive: Buffer): string[] {
  const { stdout, status, stderr } = spawnSync('tar', ['-tf', '-'], { input: archive });
  expect([status, String(stderr)]).toEqual([0, '']);
  return String(stdout).trim().split('\n');
}
const contentOf = (archive: Buffer, name: string) =>
  String(spawnSync('tar', ['-xOf', '-', name], { input: archive }).stdout);

/** An archive of files by name, made by GNU tar. */
function archiveOf(files: Readonly<Record<string, string>>, ...flags: string[]): AsyncIterable<Uint8Array> {
  const directory = mkdtempSync('/tmp/berth-archive-');
  try {
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(join(directory, name, '..'), { recursive: true });
      if (content.startsWith('->')) symlinkSync(content.slice(2), join(directory, name));
      else writeFileSync(join(directory, name), content);
    }
    const { stdout } = spawnSync('tar', [
      '-C',
      directory,
      '-cf',
      '-',
      '--owner=7',
      '--group=8',
      ...flags,
      ...Object.keys(files),
    ]);
    return (async function* () {
      for (let at = 0; at < stdout.length; at += 1000) yield stdout.subarray(at, at + 1000);
    })();
  } finally {
    rmSync(directory, { recursive: true });
  }
}
const copyIn = (path: string, archive: AsyncIterable<Uint8Array>, preserveOwnership = false) =>
  kit.client.files.write(kit.scope, 'c', path, archive, { preserveOwnership });

test('a directory comes with all below it, a file alone, and both under their own names', async () => {
  expect(names(await copyOut('/d'))).toEqual(['d/', 'd/.wh.x/', 'd/e/', 'd/e/f']);
  expect(names(await copyOut('/d', true))).toEqual(['d/']);
  const one = await copyOut('d/../d/e/f');
  expect([names(one), contentOf(one, 'f')]).toEqual([['f'], '1\n']);
  const root = names(await copyOut('/'));
  expect(root).toContain('bin/busybox');
  expect(root.filter((name) => /^(proc|sys)\/./.test(name))).toEqual([]);
  expect(await faultOf(copyOut('/nothing'))).toBe('not_found');
}, 120_000);

test('mounts of the container are part of it, in both directions, and keep what they forbid', async () => {
  expect(contentOf(await copyOut('/scratch/t'), 't')).toBe('in\n');
  expect(contentOf(await copyOut('/shared/f'), 'f')).toBe('mounted');
  await copyIn('/scratch/new/deep', archiveOf({ 'a/b': 'x' }));
  expect(contentOf(await copyOut('/scratch/new'), 'new/deep/a/b')).toBe('x');
  await copyIn('/shared', archiveOf({ g: 'y' }));
  expect(readFileSync(join(home, 'shared/g'), 'utf8')).toBe('y');
  expect(await faultOf(copyIn('/fixed', archiveOf({ h: 'z' })))).not.toBe('none');
  expect(existsSync(join(home, 'shared/h'))).toBe(false);
}, 120_000);

test('links lead nowhere but into the container', async () => {
  // /shared/up is a link to the root: the container's.
  expect(names(await copyOut('/shared/up/d/e/f'))).toEqual(['f']);
  expect(names(await copyOut('/link'))).toEqual(['link']);
  expect(await faultOf(copyOut(`/shared/up${home}/outside`))).toBe('not_found');
  expect(await faultOf(copyOut('/../../../../../../etc/shadow-of-the-host'))).toBe('not_found');
  await copyIn('/d', archiveOf({ out: `->${home}` }));
  await copyIn('/d', archiveOf({ 'out/outside': 'overwritten' }));
  await copyIn('/d', archiveOf({ x: 'escaped' }, '--transform=s,x,../../../../../..' + '/tmp/berth-escape,', '-P'));
  expect(readFileSync(join(home, 'outside'), 'utf8')).toBe('secret');
  expect(existsSync('/tmp/berth-escape')).toBe(false);
  expect(names(await copyOut('/d'))).toContain('d/tmp/berth-escape');
}, 120_000);

test('files belong to root unless the archive is to say so, and are no whiteouts', async () => {
  const owners = async (path: string) =>
    String(spawnSync('tar', ['--numeric-owner', '-tvf', '-'], { input: await copyOut(path) }).stdout).match(
      /\d+\/\d+/g,
    );
  await copyIn('/scratch/o', archiveOf({ a: '1', '.wh.b': '' }));
  expect(names(await copyOut('/scratch/o'))).toEqual(['o/', 'o/.wh.b', 'o/a']);
  expect(await owners('/scratch/o/a')).toEqual(['0/0']);
  await copyIn('/scratch/o', archiveOf({ a: '2' }), true);
  expect(await owners('/scratch/o/a')).toEqual(['7/8']);
}, 120_000);

test('over a file goes one file, which stays the same file; anything else leaves it as it was', async () => {
  await copyIn('/shared/f', archiveOf({ any: 'short' }));
  expect(readFileSync(join(home, 'shared/f'), 'utf8')).toBe('short');
  expect(await faultOf(copyIn('/shared/f', archiveOf({ a: '1', b: '2' })))).toBe('invalid_argument');
  expect(await faultOf(copyIn('/shared/f', archiveOf({ a: '->/x' })))).toBe('invalid_argument');
  expect(await faultOf(copyIn('/dev/null', archiveOf({ a: 'x' })))).toBe('invalid_argument');
  const cut = async function* () {
    for await (const bytes of archiveOf({ any: 'x'.repeat(5000) })) {
      yield bytes;
      return;
    }
  };
  expect(await faultOf(copyIn('/shared/f', cut()))).toBe('data_loss');
  expect(readFileSync(join(home, 'shared/f'), 'utf8')).toBe('short');
}, 120_000);

test('a container without a task has its snapshot; one that is not there, and other archives, are refused', async () => {
  const { client, scope } = kit;
  expect(
    await faultOf(
      (async () => {
        for await (const _ of client.files.read(scope, 'nobody', '/'));
      })(),
    ),
  ).toBe('not_found');
  const request = {
    source: { typeUrl: 'containerd.types.transfer.ContainerPath' },
    destination: { typeUrl: 'containerd.types.transfer.ContainerPath' },
  };
  expect(await faultOf(clientOf(Transfer, client.transport).transfer(request, withScope(scope)))).toBe(
    'not_implemented',
  );
  await client.tasks.kill(scope, 'c', { execId: '', signal: 9, all: true });
  await client.tasks.wait(scope, 'c', '');
  await copyIn('/d/later', archiveOf({ a: '1' }));
  await client.tasks.delete(scope, 'c');
  expect(names(await copyOut('/d/later'))).toEqual(['later/', 'later/a']);
  expect(await faultOf(copyOut('/scratch/t'))).toBe('not_found');
}, 120_000);

test('a copy that is cancelled ends, though its archive does not, and leaves nothing behind', async () => {
  const { client, scope, daemon } = kit;
  await copyIn('/d/later', archiveOf({ file: 'old' }));
  const gone = new AbortController();
  const begun = Promise.withResolvers<void>();
  const stalled = async function* () {
    for await (const bytes of archiveOf({ any: 'x'.repeat(5000) })) {
      yield bytes;
      begun.resolve();
      await new Promise(() => {});
    }
  };
  const copy = faultOf(client.files.write({ ...scope, signal: gone.signal }, 'c', '/d/later/file', stalled()));
  await begun.promise;
  setTimeout(() => gone.abort(), 100);
  expect(await copy).toBe('canceled');
  expect(contentOf(await copyOut('/d/later/file'), 'file')).toBe('old');
  const staged = () => String(spawnSync('find', [daemon.root, '-name', 'berth-copy-*']).stdout);
  while (staged() !== '') await new Promise((later) => setTimeout(later, 50));
}, 120_000);
