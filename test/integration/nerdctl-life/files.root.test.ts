import { afterAll, beforeAll, expect, test } from 'bun:test';
import { lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { listTar } from '#lib/tar/small-archive';
import { type LifeRig, startLifeRig } from './rig.ts';

let rig: LifeRig;
let home: string;
beforeAll(async () => {
  rig = await startLifeRig();
  home = mkdtempSync('/tmp/berth-cp-');
}, 300_000);
afterAll(async () => {
  await rig?.[Symbol.asyncDispose]();
  rmSync(home, { recursive: true, force: true });
}, 300_000);

const inside = async (name: string, script: string) => (await rig.nerdctl(['exec', name, 'sh', '-c', script])).out;

// shows: cp --quiet, cp -q
test('on a terminal cp says that it has copied, unless it is to be quiet', async () => {
  await rig.make('told', ['sleep', '1000']);
  writeFileSync(join(home, 'told'), 'x');
  const cp = (...words: readonly string[]) =>
    rig.nerdctl(['cp', ...words, join(home, 'told'), 'told:/told'], { terminal: true });
  expect(await cp()).toEqual({ code: 0, out: '', err: 'Successfully copied to told:/told\n' });
  expect(await cp('-q')).toEqual({ code: 0, out: '', err: '' });
  expect(await rig.nerdctl(['cp', join(home, 'told'), 'told:/told'])).toEqual({ code: 0, out: '', err: '' });
  expect((await rig.nerdctl(['rm', '--link', 'told'])).code).toBe(125);
  await rig.nerdctl(['rm', '-f', 'told']);
});

// shows: cp, cp --archive, cp -a, cp --follow-link, cp -L
test('files go in and out as cp would copy them, of containers that run and that do not', async () => {
  await rig.make('box', ['sh', '-c', 'mkdir -p /d/e; echo in >/d/e/f; ln -s /d/e/f /to; ln -s /d /dl; sleep 1000']);
  await rig.nerdctl(['start', 'box']);
  mkdirSync(join(home, 'src/sub'), { recursive: true });
  writeFileSync(join(home, 'src/sub/x'), 'out');
  symlinkSync('src/sub/x', join(home, 'link'));
  const cp = (...words: string[]) => rig.nerdctl(['cp', ...words]);
  for (const state of ['running', 'stopped']) {
    expect(await cp(join(home, 'src'), `box:/new-${state}`)).toEqual({ code: 0, out: '', err: '' });
    expect(await cp(join(home, 'src'), 'box:/dl')).toMatchObject({ code: 0 });
    expect(await cp(`${home}/src/.`, 'box:/d/e')).toMatchObject({ code: 0 });
    expect(await cp('-L', join(home, 'link'), 'box:/d/named')).toMatchObject({ code: 0 });
    expect(await cp(join(home, 'src/sub/x'), 'box:/nosuch/dir/x')).toMatchObject({
      code: 1,
      err: expect.stringContaining('Could not find the file /nosuch/dir'),
    });
    expect(await cp(join(home, 'nosuch'), 'box:/')).toMatchObject({
      code: 1,
      err: expect.stringContaining('no such file or directory'),
    });
    expect(await cp('box:/d/e/f', join(home, `f-${state}`))).toMatchObject({ code: 0, err: '' });
    expect(readFileSync(join(home, `f-${state}`), 'utf8')).toBe('in\n');
    mkdirSync(join(home, `into-${state}`));
    expect(await cp('box:/d', join(home, `into-${state}`))).toMatchObject({ code: 0 });
    expect(readFileSync(join(home, `into-${state}/d/src/sub/x`), 'utf8')).toBe('out');
    expect(readFileSync(join(home, `into-${state}/d/named`), 'utf8')).toBe('out');
    expect(await cp('box:/d/.', join(home, `contents-${state}`))).toMatchObject({ code: 0 });
    expect(readFileSync(join(home, `contents-${state}/e/sub/x`), 'utf8')).toBe('out');
    expect(await cp('box:/to', join(home, `link-${state}`))).toMatchObject({ code: 0 });
    expect(lstatSync(join(home, `link-${state}`)).isSymbolicLink()).toBe(true);
    expect(await cp('-L', 'box:/to', join(home, `followed-${state}`))).toMatchObject({ code: 0 });
    expect(lstatSync(join(home, `followed-${state}`)).isFile()).toBe(true);
    expect(await cp('box:/nosuch', home)).toMatchObject({
      code: 1,
      err: expect.stringContaining('Could not find the file /nosuch in container'),
    });
    await rig.nerdctl(['stop', '-t', '0', 'box']);
  }
  expect(await cp('box:/a', 'box:/b')).toMatchObject({ code: 1, err: 'copying between containers is not supported\n' });
  await rig.nerdctl(['start', 'box']);
  expect(await inside('box', 'cat /new-running/sub/x /new-stopped/sub/x /d/named')).toBe('outoutout');
}, 300_000);

test('no link of the container leads a copy out of it', async () => {
  await rig.make('trap', ['sh', '-c', `ln -s ${home} /escape; ln -s / /root2; sleep 1000`]);
  await rig.nerdctl(['start', 'trap']);
  await inside('trap', 'while [ ! -h /root2 ]; do sleep 0.05; done');
  writeFileSync(join(home, 'secret'), 'secret');
  expect((await rig.nerdctl(['cp', 'trap:/escape/secret', join(home, 'leaked')])).code).toBe(1);
  await rig.nerdctl(['cp', join(home, 'secret'), 'trap:/escape/planted']);
  expect(() => lstatSync(join(home, 'planted'))).toThrow();
}, 300_000);

// shows: diff, export, export --output, export -o
test('diff lists what changed, export has all of it', async () => {
  await rig.make('changed', ['sh', '-c', 'echo new >/tmp/new; rm /bin/yes; mkdir /made; touch /etc/x']);
  await rig.nerdctl(['start', '-a', 'changed']);
  const { out } = await rig.nerdctl(['diff', 'changed']);
  const lines = out.split('\n');
  for (const line of ['A /tmp/new', 'D /bin/yes', 'A /made', 'C /etc', 'A /etc/x']) expect(lines).toContain(line);
  const path = join(home, 'all.tar');
  expect(await rig.nerdctl(['export', '-o', path, 'changed'])).toEqual({ code: 0, out: '', err: '' });
  const members = new Map(
    listTar(readFileSync(path)).map(({ entry, data }) => [
      entry.name.replace(/^\.?\//, ''),
      Buffer.from(data).toString(),
    ]),
  );
  expect(members.get('tmp/new')).toBe('new\n');
  expect(members.has('bin/busybox')).toBe(true);
  expect(members.has('bin/yes')).toBe(false);
}, 300_000);

// shows: update --memory, update -m, update --pids-limit, update --cpu-shares, update --cpus, update --restart, update --memory-reservation, update --cpu-period, update --cpu-quota, update --cpuset-cpus, update --cpuset-mems, update --memory-swap, update --blkio-weight, update --cpu-rt-period, update --cpu-rt-runtime
test('update changes the limits of what runs, and they last', async () => {
  const { id } = await rig.make('limited', ['sleep', '1000'], { stopTimeout: 0 });
  await rig.nerdctl(['start', 'limited']);
  const limits = async () => {
    const { pid } = await rig.client.tasks.state(rig.scope, id, '');
    const groups = readFileSync(`/proc/${pid}/cgroup`, 'utf8');
    const of = (controller: string, file: string) => {
      const [, path = ''] = new RegExp(`^\\d+:(?:[^:]*,)?${controller}(?:,[^:]*)?:(.*)$`, 'm').exec(groups) ?? [];
      return readFileSync(`/sys/fs/cgroup/${controller}${path}/${file}`, 'utf8').trim();
    };
    return [
      of('memory', 'memory.limit_in_bytes'),
      of('pids', 'pids.max'),
      of('cpu', 'cpu.shares'),
      of('cpuset', 'cpuset.cpus'),
      of('memory', 'memory.soft_limit_in_bytes'),
    ];
  };
  expect(
    await rig.nerdctl([
      'update',
      '-m',
      '64m',
      '--pids-limit',
      '77',
      '--cpu-shares',
      '512',
      '--cpuset-cpus',
      '0',
      '--memory-reservation',
      '32m',
      'limited',
    ]),
  ).toMatchObject({ code: 0, out: 'limited\n' });
  const wanted = [String(64 << 20), '77', '512', '0', String(32 << 20)];
  expect(await limits()).toEqual(wanted);
  expect(
    await rig.nerdctl(['update', '--cpu-period', '50000', '--cpu-quota', '25000', '--cpuset-mems', '0', 'limited']),
  ).toMatchObject({ code: 0 });
  expect(await rig.nerdctl(['update', '-m', '1', 'limited'])).toMatchObject({
    code: 1,
    err: expect.stringContaining('Minimum memory limit allowed is 6MB'),
  });
  expect(await rig.nerdctl(['restart', '-t', '0', 'limited'])).toMatchObject({ code: 0 });
  expect(await limits()).toEqual(wanted);
  expect(await rig.nerdctl(['update', '--restart', 'on-failure:2', 'limited'])).toMatchObject({ code: 0 });
  expect((await rig.client.containers.get(rig.scope, id)).labels['containerd.io/restart.policy']).toBe('on-failure:2');
  expect(await rig.nerdctl(['update', '--restart', 'no', 'limited'])).toMatchObject({ code: 0 });
  // What kernels differ in: taken, or told why not.
  expect(await rig.nerdctl(['update', '--memory-swap', '32m', 'limited'])).toMatchObject({
    code: 1,
    err: expect.stringContaining('larger than memory limit'),
  });
  for (const words of [
    ['--blkio-weight', '300'],
    ['--cpu-rt-period', '1000000', '--cpu-rt-runtime', '1000'],
    ['--memory-swap', '128m'],
  ]) {
    const { code, out, err } = await rig.nerdctl(['update', ...words, 'limited']);
    if (code === 0) expect(out).toBe('limited\n');
    else expect(err).toMatch(/^Error response from daemon: ./);
  }
  expect(await rig.nerdctl(['update', '--cpus', '1', 'nobody'])).toMatchObject({ code: 1 });
}, 300_000);

// shows: stats, stats --no-stream, stats --format, stats --all, stats -a, stats --no-trunc
test('stats shows what is used', async () => {
  const { id } = await rig.make('burner', ['sh', '-c', 'while :; do :; done']);
  await rig.nerdctl(['start', 'burner']);
  const { out } = await rig.nerdctl(['stats', '--no-stream', 'burner']);
  expect(out.split('\n')[0]).toMatch(
    /^CONTAINER ID +NAME +CPU % +MEM USAGE \/ LIMIT +MEM % +NET I\/O +BLOCK I\/O +PIDS$/,
  );
  const used = (
    await rig.nerdctl(['stats', '--no-stream', '--no-trunc', '--format', '{{.ID}} {{.CPUPerc}} {{.PIDs}}', 'burner'])
  ).out;
  expect(used).toMatch(new RegExp(`^${id} \\d+\\.\\d\\d% 1\n$`));
  expect(Number.parseFloat(used.split(' ')[1] ?? '')).toBeGreaterThan(1);
  await rig.make('idle', ['true']);
  expect((await rig.nerdctl(['stats', '--no-stream', '-a', '--format', '{{.Name}}'])).out.split('\n')).toContain(
    'idle',
  );
  await rig.nerdctl(['rm', '-f', 'burner']);
}, 300_000);

// shows: container prune, container prune --force, container prune -f, container prune --filter
test('prune removes what does not run', async () => {
  const kept = await rig.make('labelled', ['true'], { labels: { keep: 'yes' } });
  const gone = await rig.make('plain', ['true']);
  expect(await rig.nerdctl(['container', 'prune'], { stdin: 'n\n' })).toMatchObject({ code: 0 });
  const { out } = await rig.nerdctl(['container', 'prune', '-f', '--filter', 'label!=keep']);
  expect(out).toContain(gone.id);
  expect(out).toContain('Total reclaimed space: ');
  expect(out).not.toContain(kept.id);
  expect((await rig.nerdctl(['container', 'prune', '-f', '--filter', 'nonsense=1'])).code).toBe(1);
  expect((await rig.nerdctl(['container', 'prune'], { stdin: 'y\n' })).out).toContain(kept.id);
}, 300_000);

// shows: commit --author, commit -a, commit --message, commit -m, commit --change, commit -c, commit --pause, commit -p, commit --compression, commit --format
test('commit makes an image that runs with what was changed', async () => {
  await rig.make('worker', ['sh', '-c', 'echo made >/made; sleep 1000']);
  await rig.nerdctl(['start', 'worker']);
  await inside('worker', 'while [ ! -e /made ]; do sleep 0.05; done');
  const made = await rig.nerdctl([
    'commit',
    '-a',
    'me',
    '-m',
    'why',
    '-c',
    'CMD ["cat", "/made"]',
    '-c',
    'ENV A=1',
    'worker',
    'mine:1',
  ]);
  expect(made).toMatchObject({ code: 0, err: '', out: expect.stringMatching(/^sha256:[0-9a-f]{64}\n$/) });
  expect(await rig.nerdctl(['run', '--rm', '--network', 'none', 'mine:1'])).toEqual({
    code: 0,
    out: 'made\n',
    err: '',
  });
  expect(
    await rig.nerdctl(['commit', '--compression', 'zstd', '--format', 'oci', '-p=false', 'worker', 'mine:2']),
  ).toMatchObject({ code: 0 });
  expect(await rig.nerdctl(['run', '--rm', '--network', 'none', 'mine:2', 'cat', '/made'])).toMatchObject({
    out: 'made\n',
  });
  expect(await rig.nerdctl(['commit', '-c', 'FROM x', 'worker'])).toMatchObject({ code: 1 });
  expect(await rig.nerdctl(['commit', '--format', 'docker', '--compression', 'zstd', 'worker'])).toMatchObject({
    code: 1,
  });
  expect((await rig.nerdctl(['exec', 'worker', 'true'])).code).toBe(0);
  // Its image's name moves to another: what has changed does not belong onto that.
  await rig.nerdctl(['run', '--name', 'mover', '--network', 'none', 'mine:1']);
  expect((await rig.nerdctl(['tag', 'busybox', 'mine:1'])).code).toBe(0);
  const moved = await rig.nerdctl(['commit', 'mover', 'mine:3']);
  expect(moved).toMatchObject({ code: 1, err: expect.stringContaining('was made of another image') });
  await rig.nerdctl(['rm', 'mover']);
}, 300_000);
