import { afterAll, beforeAll, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { eventually, type LifeRig, startLifeRig } from './rig.ts';

let rig: LifeRig;
beforeAll(async () => {
  rig = await startLifeRig();
}, 300_000);
afterAll(() => rig?.[Symbol.asyncDispose](), 300_000);

// shows: events, events --since, events --until, events --filter, events -f, events --format
test('events are told in docker’s form, also those of a while ago', async () => {
  const stop = new AbortController();
  let heard = '';
  const live = rig.nerdctl(['events', '--format', '{{.Action}} {{.Actor.Attributes.name}}'], {
    signal: stop.signal,
    onOut: (text) => {
      heard += text;
    },
  });
  await new Promise((resolve) => setTimeout(resolve, 300));
  await rig.make('told', ['sh', '-c', 'exit 3'], { labels: { team: 'a' } });
  await rig.nerdctl(['start', '-a', 'told']);
  await rig.nerdctl(['rename', 'told', 'retold']);
  await rig.nerdctl(['rm', 'retold']);
  await eventually(
    async () => heard,
    (all) => all.includes('destroy retold'),
  );
  stop.abort();
  await live;
  expect(heard.split('\n').filter((line) => / (re)?told$/.test(line))).toEqual([
    'start told',
    'die told',
    'rename retold',
    'destroy retold',
  ]);

  const past = (...words: string[]) => rig.nerdctl(['events', '--since', '1h', '--until', '0s', ...words]);
  const { out, code } = await past('-f', 'event=die');
  expect([code, out]).toEqual([
    0,
    expect.stringMatching(/^\S+ container die [0-9a-f]{64} \(exitCode=3, image=, name=\)\n$/),
  ]);
  const [event] = (await past('--format', 'json', '--filter', 'type=container', '--filter', 'event=start')).out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(event).toMatchObject({ Type: 'container', Action: 'start', status: 'start', scope: 'local' });
  expect((await past('-f', 'container=nobody')).out).toBe('');
  expect((await past('-f', 'nonsense=1')).code).toBe(1);
}, 300_000);

// shows: info, info --format, version, version --format, system df, system df --verbose, system df -v, system df --format
test('info, version and df tell what there is', async () => {
  expect((await rig.nerdctl(['info', '--format', '{{.OSType}} {{.Driver}} {{.LoggingDriver}}'])).out).toBe(
    'linux overlayfs json-file\n',
  );
  expect((await rig.nerdctl(['info'])).out).toContain(' Storage Driver: overlayfs\n');
  expect(JSON.parse((await rig.nerdctl(['system', 'info', '-f', 'json'])).out)).toMatchObject({
    CgroupDriver: 'cgroupfs',
  });
  expect((await rig.nerdctl(['version', '--format', '{{.Server.Version}}'])).out).toMatch(/^\d+\.\d+\.\d+/);
  expect((await rig.nerdctl(['version'])).out).toMatch(/^Client:\n Version:\t[\s\S]*\nServer:\n Version:\t/);
  await rig.make('taking', ['true']);
  const { out } = await rig.nerdctl(['system', 'df']);
  expect(out.split('\n').slice(0, 3)).toEqual([
    expect.stringMatching(/^TYPE +TOTAL +ACTIVE +SIZE +RECLAIMABLE$/),
    expect.stringMatching(/^Images +1 +1 +\d/),
    expect.stringMatching(/^Containers +1 +0 +\d/),
  ]);
  expect((await rig.nerdctl(['system', 'df', '-v'])).out).toContain('taking');
  expect((await rig.nerdctl(['system', 'df', '--format', '{{.Type}}={{.TotalCount}}'])).out).toContain(
    'Local Volumes=0\n',
  );
}, 300_000);

// shows: namespace create, namespace create --label, namespace ls, namespace ls --quiet, namespace ls -q, namespace inspect, namespace inspect --format, namespace update --label, namespace rm, namespace rm --cgroup, namespace ls --format
test('namespaces come, change and go', async () => {
  const name = `${rig.scope.namespace}-two`;
  expect(await rig.nerdctl(['namespace', 'create', '--label', 'a=1', name])).toMatchObject({ code: 0 });
  expect(await rig.nerdctl(['namespace', 'update', '--label', 'b=2', name])).toMatchObject({ code: 0 });
  expect((await rig.nerdctl(['namespace', 'inspect', '--format', '{{json .Labels}}', name])).out).toBe(
    '{"a":"1","b":"2"}\n',
  );
  expect((await rig.nerdctl(['namespace', 'ls', '-q'])).out.split('\n')).toContain(name);
  expect((await rig.nerdctl(['ns', 'ls'])).out).toMatch(new RegExp(`${name} +0 +0 +0 +a=1,b=2`));
  expect((await rig.nerdctl(['ns', 'ls', '--format', '{{.Name}} {{.Labels}}'])).out).toContain(`${name} a=1,b=2\n`);
  expect((await rig.nerdctl(['namespace', 'rm', rig.scope.namespace])).code).toBe(1);
  expect(await rig.nerdctl(['namespace', 'rm', '--cgroup', name])).toMatchObject({ code: 0, out: `${name}\n` });
  expect((await rig.nerdctl(['namespace', 'inspect', name])).code).toBe(1);
}, 300_000);

// shows: system prune, system prune --all, system prune -a, system prune --force, system prune -f, system prune --volumes, system prune --filter
test('system prune removes what nobody needs, after a question', async () => {
  const conf = ['--cni-netconfpath', `${rig.dataRoot}/net.d`];
  await rig.make('spare', ['true']);
  expect((await rig.nerdctl([...conf, 'system', 'prune'], { stdin: 'n\n' })).out).toContain(
    'WARNING! This will remove:\n  - all stopped containers\n',
  );
  const kept = await rig.nerdctl([...conf, 'system', 'prune', '-f', '--filter', 'label=nobody']);
  expect(kept).toMatchObject({ code: 0, out: 'Total reclaimed space: 0B\n' });
  const { out, code } = await rig.nerdctl([...conf, 'system', 'prune', '-f', '--volumes']);
  expect(code).toBe(0);
  expect(out).toContain('Deleted Containers:\n');
  expect(await rig.client.containers.list(rig.scope)).toEqual([]);
  expect(await rig.nerdctl([...conf, 'system', 'prune', '-af'])).toMatchObject({ code: 0 });
  expect(await rig.client.images.list(rig.scope)).toEqual([]);
}, 300_000);

// shows: apparmor inspect, apparmor ls, apparmor ls --quiet, apparmor ls -q, apparmor ls --format, apparmor load, apparmor unload
test('AppArmor’s profile can be shown; without AppArmor the rest says so', async () => {
  expect((await rig.nerdctl(['apparmor', 'inspect'])).out).toContain('profile nerdctl-default flags=');
  if (existsSync('/sys/kernel/security/apparmor/profiles')) {
    expect(await rig.nerdctl(['apparmor', 'load'])).toMatchObject({ code: 0 });
    expect((await rig.nerdctl(['apparmor', 'ls', '-q'])).out.split('\n')).toContain('nerdctl-default');
    const named = await rig.nerdctl(['apparmor', 'ls', '--format', '{{.Name}}: {{.Mode}}']);
    expect(named.out).toContain('nerdctl-default: ');
    expect(await rig.nerdctl(['apparmor', 'unload'])).toMatchObject({ code: 0 });
  } else
    for (const words of [['ls'], ['ls', '-q'], ['ls', '--format', '{{.Name}}'], ['load'], ['unload']])
      expect(await rig.nerdctl(['apparmor', ...words])).toMatchObject({
        code: 1,
        err: 'Error response from daemon: AppArmor: the kernel has none\n',
      });
}, 300_000);
