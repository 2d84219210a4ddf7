import { afterAll, beforeAll, expect, test } from 'bun:test';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CreateRig, startCreateRig } from './rig.ts';

let rig: CreateRig;
let host = '';
beforeAll(async () => {
  rig = await startCreateRig();
  host = join(rig.dataRoot, 'host');
  mkdirSync(host);
  writeFileSync(join(host, 'file'), 'from the host\n');
});
afterAll(() => rig[Symbol.asyncDispose]());

const refused = async (...words: readonly string[]) => {
  const { code, err } = await rig.nerdctl(['create', '--net', 'none', ...words, 'box']);
  expect([code, err.split('\n').length]).toEqual([1, 2]);
  return err.trim();
};

// shows: create --volume, run --volume, create -v, run -v
test('directories of the host: writable, read-only with all below, made where there are none', async () => {
  const written = await rig.said('-v', `${host}:/h`, 'box', 'sh', '-c', 'cat /h/file; echo new > /h/new');
  expect([written, readFileSync(join(host, 'new'), 'utf8')]).toEqual(['from the host\n', 'new\n']);
  expect(await rig.said('-v', `${host}:/h:ro`, 'box', 'touch', '/h/x')).toContain('Read-only file system');
  const missing = join(host, 'not/yet');
  await rig.said('-v', `${missing}:/h`, 'box', 'touch', '/h/x');
  expect(existsSync(join(missing, 'x'))).toBe(true);
  mkdirSync(join(host, 'below'), { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', 'berth-test', join(host, 'below')]);
  try {
    const script = 'touch /h/below/x 2> /dev/null && echo written; ls /h/below';
    expect(await rig.said('-v', `${host}:/h:ro`, 'box', 'sh', '-c', script)).toBe('');
    expect(
      await rig.said('--mount', `type=bind,src=${host},dst=/h,ro,bind-recursive=writable`, 'box', 'sh', '-c', script),
    ).toContain('written');
    expect(await rig.said('-v', `${host}:/h:bind`, 'box', 'grep', 'below', '/proc/mounts')).toBe('');
    // Propagation: what is mounted on the host later is seen inside.
    execFileSync('mount', ['--make-rshared', join(host, 'below')]);
    await rig.running(['-v', `${join(host, 'below')}:/h:rslave`, 'box', 'sleep', '1000'], async (id) => {
      mkdirSync(join(host, 'below/late'));
      execFileSync('mount', ['-t', 'tmpfs', 'berth-late', join(host, 'below/late')]);
      try {
        const { out } = await rig.nerdctl(['exec', id, 'grep', 'berth-late', '/proc/mounts']);
        expect(out).toContain('/h/late');
      } finally {
        execFileSync('umount', [join(host, 'below/late')]);
      }
    });
  } finally {
    execFileSync('umount', [join(host, 'below')]);
  }
});

// shows: create --mount, run --mount
test('volumes begin with what the image has there, once', async () => {
  const script = 'cat /data/deep/file; stat -c %u /data /data/deep/file; echo more > /data/more';
  expect(await rig.said('-v', 'kept:/data', 'box', 'sh', '-c', script)).toBe('from the image\n1000\n1000\n');
  const data = join(rig.layout.volumes(rig.scope.namespace), 'kept/_data');
  expect([readFileSync(join(data, 'more'), 'utf8'), statSync(data).uid]).toEqual(['more\n', 1000]);
  expect(await rig.said('--mount', 'src=kept,dst=/elsewhere,readonly', 'box', 'ls', '/elsewhere')).toBe('deep\nmore\n');
  expect(await rig.said('-v', 'fresh:/data:nocopy', 'box', 'ls', '/data')).toBe('');
  expect(await rig.said('--mount', 'src=fresh2,dst=/data,volume-nocopy,volume-label=a=b', 'box', 'ls', '/data')).toBe(
    '',
  );
  const labels = readFileSync(join(rig.layout.volumes(rig.scope.namespace), 'fresh2/volume.json'), 'utf8');
  expect(JSON.parse(labels)).toMatchObject({ labels: { a: 'b' } });
  expect(await rig.said('--mount', 'src=kept,dst=/e,volume-subpath=deep', 'box', 'cat', '/e/file')).toBe(
    'from the image\n',
  );
  const device = `type=volume,src=bound,dst=/e,volume-opt=type=none,volume-opt=o=bind,volume-opt=device=${host}`;
  expect(await rig.said('--mount', device, 'box', 'cat', '/e/file')).toBe('from the host\n');
  const many = Array.from({ length: 6 }, () => rig.nerdctl(['create', '--net', 'none', '-v', 'common:/data', 'box']));
  expect((await Promise.all(many)).map(({ code, err }) => `${code}${err}`)).toEqual(Array(6).fill('0'));
  expect(await rig.said('-v', 'common:/e', 'box', 'cat', '/e/deep/file')).toBe('from the image\n');
  expect(await refused('--mount', 'src=kept,dst=/e,volume-subpath=no')).toContain('cannot access path');
});

// shows: create --volumes-from, run --volumes-from, create --rm, run --rm
test("another container's volumes, and volumes that go with the container", async () => {
  const volumes = rig.layout.volumes(rig.scope.namespace);
  const donor = await rig.create('--name', 'donor', '-v', '/data', '-v', `${host}:/h:ro`, 'box', 'true');
  const { anonymousVolumes, mounts } = await rig.settings(donor);
  expect(anonymousVolumes.map((name) => existsSync(join(volumes, name)))).toEqual([true]);
  expect(mounts.map(({ type, destination, rw }) => [type, destination, rw])).toEqual([
    ['volume', '/data', true],
    ['bind', '/h', false],
  ]);
  const script = 'cat /data/deep/file /h/file; touch /h/x; touch /data/x';
  const said = await rig.said('--volumes-from', 'donor', 'box', 'sh', '-c', script);
  expect(said).toContain('from the image\nfrom the host\n');
  expect(said).toContain('/h/x: Read-only file system');
  expect(await rig.said('--volumes-from', 'donor:ro', 'box', 'touch', '/data/y')).toContain('Read-only');
  expect(existsSync(join(volumes, anonymousVolumes[0] ?? '', '_data/x'))).toBe(true);
  expect(await refused('--volumes-from', 'nobody')).toBe('Error response from daemon: No such container: nobody');
  await rig.nerdctl(['rm', '-v', 'donor']);
  expect(anonymousVolumes.map((name) => existsSync(join(volumes, name)))).toEqual([false]);
});

// shows: create --tmpfs, run --tmpfs, create --read-only, run --read-only
test('file systems in memory, on a root that cannot be written', async () => {
  const script =
    'touch /x; touch /t/x && echo written; grep " /t " /proc/mounts; touch /m/x && echo written; touch /dev/shm/x && echo written';
  const words = ['--read-only', '--tmpfs', '/t:size=3m,exec,mode=1777', '--mount', 'type=tmpfs,dst=/m,tmpfs-size=1m'];
  const said = await rig.said(...words, 'box', 'sh', '-c', script);
  expect(said).toContain('/x: Read-only file system');
  expect(said.match(/written/g)?.length).toBe(3);
  expect(said).toContain('nosuid,nodev,relatime,size=3072k');
});

test("another image's files, and not to be written", async () => {
  expect(await rig.said('--mount', 'type=image,src=box,dst=/i', 'box', 'cat', '/i/data/deep/file')).toBe(
    'from the image\n',
  );
  expect(await rig.said('--mount', 'type=image,src=box,dst=/i,image-subpath=data/deep', 'box', 'ls', '/i')).toBe(
    'file\n',
  );
  expect(await rig.said('--mount', 'type=image,src=box,dst=/i', 'box', 'touch', '/i/x')).toContain('Read-only');
});

test('what cannot be mounted is told, and no volume stays', async () => {
  // Views of images that earlier tests mounted go when they are collected.
  const things = async () => (await rig.things()).filter((thing) => !thing.endsWith('-image-0'));
  const before = await things();
  expect(await refused('-v', 'ab:/b:c')).toBe('invalid mode: c');
  expect(await refused('--mount', 'type=bind,src=/nosuch,dst=/b')).toContain(
    'bind source path does not exist: /nosuch',
  );
  expect(await refused('-v', 'one:/b', '-v', 'two:/b')).toContain('Duplicate mount point: /b');
  expect(await refused('-v', 'one:/b', '-u', 'nobodyhere')).toContain('nobodyhere');
  expect(await refused('-v', 'one:/b', '-v', `${host}:/c:rshared`)).toContain('is not a shared mount');
  expect(await refused('--volume-driver', 'nfs', '-v', 'one:/b')).toContain('error looking up volume plugin nfs');
  expect(await refused('--mount', 'dst=/x,volume-opt=size=1')).toContain('invalid option: "size"');
  expect(await things()).toEqual(before);
});
