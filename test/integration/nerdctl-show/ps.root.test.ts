import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createTask } from '#client/task';
import { nullIo } from '#client/task-io';
import type { MountPoint } from '#core/engine/container-settings';
import { readLifecycle } from '#core/engine/lifecycle-file';
import { type BusyboxDaemon, startBusyboxDaemon } from '#test/support/busybox-daemon';
import { change, plant, run, type ShowRig } from './rig.ts';

let daemon: BusyboxDaemon;
let rig: ShowRig;
let held: AsyncDisposableStack;
const ago = (seconds: number): string => new Date(Date.now() - seconds * 1000).toISOString();
const id = (letter: string): string => letter.repeat(64);

beforeAll(async () => {
  held = new AsyncDisposableStack();
  daemon = held.use(await startBusyboxDaemon());
  const dataRoot = mkdtempSync('/tmp/berth-show-');
  held.defer(() => rmSync(dataRoot, { recursive: true }));
  rig = { client: daemon.client, scope: daemon.scope, address: daemon.daemon.address, dataRoot };
  await plantAll();
}, 300_000);
afterAll(async () => {
  await held.disposeAsync();
});

const volume: MountPoint = {
  type: 'volume',
  ...{ name: 'data-of-the-web', source: '/v/_data', destination: '/data', driver: 'local' },
  ...{ mode: 'z', rw: true, propagation: '' },
};
const probe = { test: ['CMD', 'true'], interval: 0, timeout: 0, startPeriod: 0, startInterval: 0, retries: 0 };
const bridge = { network: 'bridge', aliases: ['w'], ip: '', ip6: '', mac: '' };
const published = { hostIp: '', hostPort: 0, containerPort: 80, protocol: 'tcp' } as const;
const connected = {
  ...{ mode: 'networks', netns: '/run/netns/x' },
  interfaces: [
    {
      ...{ name: 'eth0', network: 'bridge', mac: '02:00:00:00:00:01', ip: '10.4.0.7', prefix: 24 },
      ...{ gateway: '10.4.0.1', ip6: '', prefix6: 0, gateway6: '', names: ['web', 'w'] },
    },
  ],
  ports: [{ hostIp: '0.0.0.0', hostPort: 8080, containerPort: 80, protocol: 'tcp' }],
};

/** One of each state, oldest first. */
async function plantAll(): Promise<void> {
  const { client, scope } = rig;
  held.defer(async () => {
    for (const letter of ['a', 'b', 'c', 'd', 'e']) await client.containers.delete(scope, id(letter));
  });
  await plant(rig, { id: id('a'), name: 'fresh', image: 'busybox', args: ['sh', '-c', 'exit 3'] });
  await plant(rig, {
    ...{ id: id('b'), name: 'over', image: 'busybox', labels: { app: 'x', tier: 'db' } },
    lifecycle: { started_at: ago(7300), finished_at: ago(7200), exit_code: 3 },
  });
  await plant(rig, {
    ...{ id: id('c'), name: 'again' },
    recordLabels: { 'containerd.io/restart.status': 'running', 'containerd.io/restart.policy': 'always' },
    lifecycle: { started_at: ago(100), finished_at: ago(45), exit_code: 1 },
  });
  held.defer(async () => {
    await client.tasks.resume(scope, id('e'));
    for (const letter of ['d', 'e']) {
      const ended = client.tasks.wait(scope, id(letter), '');
      await client.tasks.kill(scope, id(letter), { execId: '', signal: 9, all: true });
      await ended;
      await client.tasks.delete(scope, id(letter));
    }
  });
  const snapshotter = await client.snapshotter(scope, 'overlayfs');
  for (const [letter, name] of [
    ['d', 'web'],
    ['e', 'still'],
  ] as const) {
    await snapshotter.prepare(scope, id(letter), daemon.top);
    const settings = await plant(rig, {
      ...{ id: id(letter), name, image: 'busybox', snapshotKey: id(letter), labels: { app: name } },
      recordLabels: { 'nerdctl/healthstate': '{"Status":"healthy","FailingStreak":0}' },
      settings: { mounts: [volume] },
    });
    await createTask(client, scope, await client.containers.get(scope, id(letter)), nullIo().stdio);
    await client.tasks.start(scope, id(letter), '');
    // The daemon notes the start; then times and network are put in its place, so that no network of this machine is touched.
    for (let wait = 0; (await readLifecycle(settings.stateDir)).startedAt === '' && wait < 500; wait++)
      await Bun.sleep(20);
    writeFileSync(join(settings.stateDir, 'lifecycle.json'), JSON.stringify({ started_at: ago(185), finished_at: '' }));
    writeFileSync(join(settings.stateDir, 'network.json'), JSON.stringify(connected));
    await change(rig, id(letter), {
      ...settings,
      ...(name === 'web' && { health: probe }),
      network: { ...settings.network, mode: 'networks', attachments: [bridge], ports: [published] },
    });
    held.defer(() => change(rig, id(letter), settings));
  }
  await client.tasks.pause(scope, id('e'));
}

const ps = async (...argv: readonly string[]): Promise<string> => {
  const { code, out, err } = await run(rig, 'ps', ...argv);
  return code === 0 ? out : `${code}: ${err}`;
};
const names = async (...argv: readonly string[]): Promise<readonly string[]> =>
  (await ps('--format', '{{.Names}}', ...argv)).trim().split('\n');

// shows: ps
test('ps shows what runs, with states, ports and times in docker’s words', async () => {
  expect(await ps('--format', '{{.Names}}|{{.Status}}|{{.State}}|{{.Ports}}|{{.RunningFor}}')).toMatch(
    /^still\|Up 3 minutes \(Paused\)\|paused\|0\.0\.0\.0:8080->80\/tcp\|(?:.* seconds?|Less than a second|About a minute) ago\nweb\|Up 3 minutes \(healthy\)\|running\|.*\nagain\|Restarting \(1\) 4\d seconds ago\|restarting\|\|.*\n$/,
  );
  expect((await ps()).split('\n')[0]).toMatch(/^CONTAINER ID {3}IMAGE +COMMAND {8}CREATED +STATUS +PORTS +NAMES$/);
});

// shows: ps --all, ps -a, ps --format, container ls -a
test('with --all also those that have ended, or never ran', async () => {
  expect(await names('-a')).toEqual(['still', 'web', 'again', 'over', 'fresh']);
  expect(await names('--all')).toEqual(await names('-a'));
  const { out } = await run(rig, 'container', 'ls', '-a', '--format', '{{.Names}} {{.Status}}');
  expect(out).toContain('over Exited (3) 2 hours ago\nfresh Created\n');
});

// shows: ps --quiet, ps -q, ps --no-trunc
test('quiet prints ids, whole ones without truncation', async () => {
  expect(await ps('-q')).toBe(['e', 'd', 'c'].map((letter) => `${letter.repeat(12)}\n`).join(''));
  expect(await ps('--quiet', '--no-trunc')).toBe(['e', 'd', 'c'].map((letter) => `${id(letter)}\n`).join(''));
});

// shows: ps --last, ps -n, ps --latest, ps -l
test('the last ones are counted whatever their state', async () => {
  expect(await names('-n', '4')).toEqual(['still', 'web', 'again', 'over']);
  expect(await names('--last', '1')).toEqual(['still']);
  expect([await names('-l'), await names('--latest')]).toEqual([['still'], ['still']]);
});

// shows: ps --size, ps -s
test('sizes are what was written, and all with the image', async () => {
  const size = /^.*\d+(?:\.\d+)?k?B \(virtual \d+(?:\.\d+)?[kM]B\)$/;
  expect((await ps('-s')).split('\n')[2]).toMatch(size);
  expect((await ps('--size', '--format', '{{.Size}}')).split('\n')[1]).toMatch(size);
  expect((await ps('--format', 'wide')).split('\n')[0]).toMatch(/RUNTIME +PLATFORM +SIZE$/);
});

test('all fields of docker are there', async () => {
  const [, web = ''] = (await ps('--no-trunc', '--format', 'json')).split('\n');
  expect(JSON.parse(web)).toEqual({
    Command: '"sleep 1000"',
    CreatedAt: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4} \S+$/),
    ID: id('d'),
    Image: 'busybox',
    Labels: 'app=web',
    LocalVolumes: '1',
    Mounts: 'data-of-the-web',
    Names: 'web',
    Networks: 'bridge',
    Platform: '',
    Ports: '0.0.0.0:8080->80/tcp',
    RunningFor: expect.stringContaining(' ago'),
    Runtime: 'io.containerd.runc.v2',
    Size: '0B',
    State: 'running',
    Status: 'Up 3 minutes (healthy)',
  });
  expect(await ps('--format', '{{.Label "app"}}', '-l')).toBe('still\n');
});

// shows: ps --filter, ps -f
test('filters are docker’s', async () => {
  const filtered = async (...filters: readonly string[]) => names('-a', ...filters.flatMap((each) => ['-f', each]));
  expect(await filtered('name=w')).toEqual(['web']);
  expect(await filtered('name=^/?(web|over)$')).toEqual(['web', 'over']);
  expect(await filtered('id=bbbb')).toEqual(['over']);
  expect(await filtered('label=app')).toEqual(['still', 'web', 'over']);
  expect(await filtered('label=app=x', 'label=tier')).toEqual(['over']);
  expect(await filtered('exited=3')).toEqual(['over']);
  expect(await filtered('status=created', 'status=restarting')).toEqual(['again', 'fresh']);
  expect(await filtered('before=web')).toEqual(['again', 'over', 'fresh']);
  expect(await filtered('since=cccc')).toEqual(['still', 'web']);
  expect(await filtered('volume=data-of-the-web', 'name=web')).toEqual(['web']);
  expect(await filtered('volume=/data')).toEqual(['still', 'web']);
  expect(await filtered('network=bridge')).toEqual(['still', 'web']);
  expect(await filtered('network=none', 'status=exited')).toEqual(['over']);
  expect(await filtered('publish=8080')).toEqual(['still', 'web']);
  expect(await filtered('publish=8081-8090/tcp')).toEqual(['']);
  expect(await filtered('expose=80/tcp')).toEqual(['still', 'web']);
  expect(await filtered('health=healthy')).toEqual(['web']);
  expect(await filtered('health=none', 'label=app')).toEqual(['still', 'over']);
  expect(await filtered('ancestor=busybox')).toEqual(['still', 'web', 'over', 'fresh']);
  expect(await filtered('ancestor=nothing')).toEqual(['']);
  expect(await filtered('is-task=true')).toEqual(['']);
  // A state that is asked for is shown without --all.
  expect(await names('-f', 'status=exited')).toEqual(['over']);
});

test('what is no filter is refused in docker’s words', async () => {
  expect(await ps('-f', 'foo=bar')).toBe("1: Error response from daemon: Invalid filter 'foo'\n");
  expect(await ps('-f', 'status=zzz')).toBe("1: Error response from daemon: Invalid filter 'status=zzz'\n");
  expect(await ps('-f', 'name')).toContain(
    '125: invalid argument "name" for "-f, --filter" flag: bad format of filter',
  );
  expect(await ps('-f', 'before=zz')).toBe('1: Error response from daemon: No such container: zz\n');
  expect(await ps('-f', 'exited=x')).toContain('strconv.Atoi: parsing "x": invalid syntax');
  expect(await ps('-f', 'health=x')).toContain('Unrecognised filter value for health: x');
});

// shows: inspect, inspect --format, inspect -f, container inspect --format
test('inspect tells a container as docker does', async () => {
  const { code, out } = await run(rig, 'inspect', 'web');
  expect(code).toBe(0);
  const [found] = JSON.parse(out);
  expect(Object.keys(found)).toEqual(
    'Id Created Path Args State Image ResolvConfPath HostnamePath HostsPath LogPath Name RestartCount Driver Platform MountLabel ProcessLabel AppArmorProfile ExecIDs HostConfig GraphDriver Mounts Config NetworkSettings'.split(
      ' ',
    ),
  );
  expect(found).toMatchObject({
    ...{ Id: id('d'), Name: '/web', Path: 'sleep', Args: ['1000'], Driver: 'overlayfs', Platform: 'linux' },
    State: { Status: 'running', Running: true, Paused: false, ExitCode: 0, FinishedAt: '0001-01-01T00:00:00Z' },
    Image: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
    LogPath: expect.stringContaining(join(rig.dataRoot, '')),
    GraphDriver: { Name: 'overlayfs', Data: { UpperDir: expect.stringContaining('/fs') } },
    Mounts: [{ Type: 'volume', Name: 'data-of-the-web', Destination: '/data', RW: true }],
    Config: { Labels: { app: 'web' }, Cmd: ['sleep', '1000'] },
    NetworkSettings: {
      Ports: { '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '8080' }] },
      IPAddress: '10.4.0.7',
      Networks: { bridge: { IPAddress: '10.4.0.7', Gateway: '10.4.0.1', Aliases: ['w'], DNSNames: ['web', 'w'] } },
    },
  });
  expect(found.State.Pid).toBeGreaterThan(1);
});

test('templates of inspect see structs and maps as docker’s do', async () => {
  const inspect = async (template: string, ...words: readonly string[]) =>
    run(rig, 'container', 'inspect', '-f', template, ...words);
  expect(
    (await inspect('{{.State.Status}} {{.Config.Labels.app}} {{index .Config.Labels "none"}}|', 'web', 'over')).out,
  ).toBe('running web |\nexited x |\n');
  expect(
    (await inspect('{{range $p, $c := .NetworkSettings.Ports}}{{$p}} {{(index $c 0).HostPort}}{{end}}', 'web')).out,
  ).toBe('80/tcp 8080\n');
  expect((await inspect('{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}', 'web')).out).toBe('10.4.0.7\n');
  expect(await inspect('{{.State.Nope}}', 'web')).toEqual({
    code: 1,
    out: '\n',
    err: 'template parsing error: template: :1:8: executing "" at <.State.Nope>: map has no entry for key "Nope"\n',
  });
  expect((await inspect('{{.State.Status}} {{.State.ExitCode}} {{.State.FinishedAt}}', 'fresh')).out).toBe(
    'created 0 0001-01-01T00:00:00Z\n',
  );
});

// shows: inspect --type, inspect --size, inspect -s, inspect --mode, container inspect --mode, container inspect --size, container inspect -s
test('inspect looks among all things, or one kind, and tells what is not there', async () => {
  expect((await run(rig, 'inspect', '-f', '{{.Id}}', 'busybox')).out).toMatch(/^sha256:/);
  expect(await run(rig, 'inspect', '--type', 'container', 'busybox')).toEqual({
    code: 1,
    out: '[]\n',
    err: 'Error: No such container: busybox\n',
  });
  expect((await run(rig, 'inspect', 'nope')).err).toBe('Error: No such object: nope\n');
  await run(rig, 'volume', 'create', 'kept');
  expect((await run(rig, 'inspect', '-f', '{{.Mountpoint}}', 'kept')).out).toContain('/kept/_data');
  expect((await run(rig, 'inspect', '--type', 'volume', '-f', '{{.Name}}', 'kept')).out).toBe('kept\n');
  expect((await run(rig, 'inspect', '--type', 'network', '-f', '{{.Name}}', 'none')).out).toBe('none\n');
  expect((await run(rig, 'inspect', '--type', 'thing', 'x')).err).toContain('"thing" is not a valid value for --type');
  expect((await run(rig, 'inspect', '-s', '-f', '{{.SizeRw}} {{.SizeRootFs}}', 'web')).out).toMatch(/^\d+ \d{5,}\n$/);
  expect((await run(rig, 'container', 'inspect', '--size', '-f', '{{.SizeRw}}', 'web')).out).toMatch(/^\d+\n$/);
  const native = await run(rig, 'container', 'inspect', '--mode', 'native', 'web');
  expect(JSON.parse(native.out)[0]).toMatchObject({
    ID: id('d'),
    Spec: { process: { args: ['sleep', '1000'] } },
    Process: { Status: { Status: 'running' }, NetNS: { Path: '/run/netns/x' } },
    Extensions: { berth: { value: { name: 'web' } } },
  });
  expect((await run(rig, 'inspect', '--mode', 'x', 'web')).err).toContain('unknown mode "x"');
});
