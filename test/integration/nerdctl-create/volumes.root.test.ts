import { afterAll, beforeAll, expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CreateRig, startCreateRig } from './rig.ts';

let rig: CreateRig;
beforeAll(async () => {
  rig = await startCreateRig();
});
afterAll(() => rig[Symbol.asyncDispose]());

const volume = (...words: readonly string[]) => rig.nerdctl(['volume', ...words]);
const named = async (...words: readonly string[]) => (await volume('ls', '-q', ...words)).out.split('\n').slice(0, -1);

// shows: volume create --label, volume create --name, volume ls --quiet, volume ls --filter, volume ls --format, volume ls --size, volume inspect --format, volume inspect --size
test('volumes are made, listed by what they are, and shown', async () => {
  expect((await volume('create', '--label', 'a=b', 'data')).out).toBe('data\n');
  expect((await volume('create', '--name', 'data')).out).toBe('data\n');
  expect((await volume('create')).out).toMatch(/^[0-9a-f]{64}\n$/);
  const data = join(rig.layout.volumes(rig.scope.namespace), 'data/_data');
  writeFileSync(join(data, 'file'), 'x'.repeat(100_000));
  await rig.create('-v', 'data:/d', 'box');
  expect(await named('-f', 'name=at')).toEqual(['data']);
  expect(await named('-f', 'label=a=b')).toEqual(['data']);
  expect(await named('-f', 'size=>50k')).toEqual(['data']);
  expect((await named('-f', 'dangling=true')).every((name) => name !== 'data')).toBe(true);
  expect(await named('-f', 'dangling=false', '-f', 'driver=local')).toEqual(['data']);
  expect((await volume('ls', '-f', 'name=data')).out).toBe('DRIVER    VOLUME NAME\nlocal     data\n');
  expect((await volume('ls', '-s', '-f', 'name=data')).out).toMatch(/^DRIVER +VOLUME NAME +SIZE\nlocal +data +1\d\d/);
  expect((await volume('ls', '--format', '{{.Name}} {{.Label "a"}}', '-f', 'name=data')).out).toBe('data b\n');
  expect((await volume('inspect', '-f', '{{.Mountpoint}} {{.Labels.a}}', 'data')).out).toBe(`${data} b\n`);
  expect(JSON.parse((await volume('inspect', '-s', 'data')).out)[0]).toMatchObject({
    Name: 'data',
    Driver: 'local',
    Scope: 'local',
    Options: null,
  });
  expect((await volume('inspect', 'nosuch')).err).toContain('nosuch: no such volume');
});

// shows: volume rm --force, volume prune --all, volume prune --force, volume prune --filter
test('volumes that containers have stay', async () => {
  const id = await rig.create('-v', 'used:/d', 'box');
  await volume('create', 'free');
  const used = await volume('rm', 'used');
  expect([used.code, used.err]).toEqual([1, `Error response from daemon: remove used: volume is in use - [${id}]\n`]);
  expect(await volume('rm', 'nosuch')).toMatchObject({
    code: 1,
    err: 'Error response from daemon: get nosuch: no such volume\n',
  });
  expect(await volume('rm', '-f', 'nosuch')).toMatchObject({ code: 0 });
  expect((await rig.nerdctl(['volume', 'prune'], { stdin: 'n\n' })).out).toContain(
    'Are you sure you want to continue? [y/N]',
  );
  const { out } = await volume('prune', '-f');
  expect(out).toMatch(/Total reclaimed space: /);
  expect(await named('-f', 'name=free')).toEqual(['free']);
  expect((await volume('prune', '-a', '-f', '--filter', 'label=nothing')).out).toBe('Total reclaimed space: 0B\n');
  expect((await volume('prune', '-a', '-f')).out).toContain('Deleted Volumes:\n');
  expect(await named('-f', 'name=free')).toEqual([]);
  expect(await named('-f', 'name=used')).toEqual(['used']);
  await rig.nerdctl(['rm', id]);
  expect((await volume('rm', 'used')).out).toBe('used\n');
});

// shows: volume create --driver, volume create --opt
test('volumes that are something else of the machine', async () => {
  const host = join(rig.dataRoot, 'host');
  writeFileSync(`${host}-file`, '');
  const made = await volume('create', '--opt', 'type=none', '-o', 'o=bind', '-o', `device=${rig.dataRoot}`, 'bound');
  expect(made.err).toBe('');
  expect(await rig.said('-v', 'bound:/d', 'box', 'ls', '/d')).toContain('host-file');
  for (const [words, wanted] of [
    ['--driver nfs x1', 'error looking up volume plugin nfs'],
    ['--opt size=1 x1', 'invalid option: "size"'],
    ['--opt type=nfs x1', 'missing device in volume options'],
    ['--opt type=tmpfs --opt device=tmpfs x1', '--tmpfs gives one a file system in memory'],
    ['a$', 'includes invalid characters for a local volume name'],
    ['x'.repeat(300), 'at most 255 characters'],
  ] as const) {
    const { code, err } = await volume('create', ...words.split(' '));
    expect([words, code, err.includes(wanted), err.split('\n').length]).toEqual([words, 1, true, 2]);
  }
  expect(await named('-f', 'name=x1')).toEqual([]);
});
