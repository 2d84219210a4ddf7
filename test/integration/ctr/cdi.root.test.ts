import { afterAll, beforeAll, expect, test } from 'bun:test';
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BusyboxDaemon, startBusyboxDaemon } from '#test/support/busybox-daemon';
import { runCtr } from '#test/support/ctr';

const open = new AsyncDisposableStack();
let on: BusyboxDaemon;
let cdi: string;
let hook: string;
let runs = 0;

/** Of loop devices: a character device that containers have no leave to use. */
const control = { major: 10, minor: 237 };

beforeAll(async () => {
  on = open.use(await startBusyboxDaemon());
  cdi = join(on.daemon.directory, 'cdi');
  hook = join(on.daemon.directory, 'hook.sh');
  mkdirSync(cdi);
  writeFileSync(hook, `#!/bin/sh\ncat > /dev/null\necho "$1 $VENDOR" > ${hook}.ran\n`, { mode: 0o755 });
  writeFileSync(join(on.daemon.directory, 'library'), 'a library\n');
  const node = join(on.daemon.directory, 'control');
  makeNode(node);
  const document = {
    cdiVersion: '0.7.0',
    kind: 'vendor.com/log',
    containerEdits: { env: ['VENDOR=yes'] },
    devices: [
      { name: 'read', containerEdits: { deviceNodes: [{ path: '/dev/log/read', hostPath: node, permissions: 'r' }] } },
      {
        name: 'all',
        containerEdits: {
          deviceNodes: [{ path: '/dev/log/all', type: 'c', ...control, uid: 7, gid: 8, fileMode: 0o640 }],
          mounts: [
            { hostPath: join(on.daemon.directory, 'library'), containerPath: '/opt/library', options: ['bind', 'ro'] },
          ],
          hooks: [{ hookName: 'createRuntime', path: hook, args: ['hook', 'called'], env: ['VENDOR=hook'] }],
          additionalGids: [4242],
        },
      },
    ],
  };
  writeFileSync(join(cdi, 'log.json'), JSON.stringify(document));
  writeFileSync(
    join(cdi, 'null.yaml'),
    'cdiVersion: "0.5.0"\nkind: vendor.com/null\ndevices:\n  - name: "0"\n    containerEdits:\n      deviceNodes:\n        - path: /dev/nothing\n          hostPath: /dev/null\n',
  );
}, 120_000);
afterAll(() => open.disposeAsync(), 120_000);

function makeNode(path: string): void {
  const made = Bun.spawnSync(['mknod', path, 'c', String(control.major), String(control.minor)]);
  expect([made.exitCode, statSync(path).isCharacterDevice()]).toEqual([0, true]);
}

/** What the command prints in a container with these devices. */
async function inContainer(devices: readonly string[], command: string) {
  const flags = devices.flatMap((device) => ['--device', device]);
  const id = `cdi-${process.pid}-${runs++}`;
  const words = ['run', '--rm', '--cdi-spec-dirs', cdi, ...flags, 'busybox', id, 'sh', '-c', command];
  const { code, out, err } = await runCtr(['-a', on.daemon.address, '-n', on.scope.namespace, ...words]);
  return { code, text: `${out}${err}` };
}

test('a device node with leave to read only, found on the host', async () => {
  const reading = 'exec 3</dev/log/read && echo opened';
  expect(await inContainer(['vendor.com/log=read'], `${reading}; echo $VENDOR`)).toEqual({
    code: 0,
    text: 'opened\nyes\n',
  });
  const writing = await inContainer(['vendor.com/log=read'], 'exec 3<>/dev/log/read && echo opened');
  expect(writing.code).not.toBe(0);
  expect(writing.text).toContain('Operation not permitted');
}, 120_000);

test('nodes, mounts, hooks, groups and variables together; another file’s device and a plain path beside', async () => {
  const devices = ['vendor.com/log=all', 'vendor.com/null=0', '/dev/full'];
  const look =
    'stat -c "%t:%T %u:%g %a" /dev/log/all; exec 3<>/dev/log/all; cat /opt/library; id -G; echo gone > /dev/nothing; test -c /dev/full && echo full';
  const { code, text } = await inContainer(devices, look);
  expect([code, text]).toEqual([0, expect.stringMatching(/^a:ed 7:8 640\na library\n.*\b4242\b.*\nfull\n$/)]);
  expect(existsSync(`${hook}.ran`)).toBe(true);
  expect(await Bun.file(`${hook}.ran`).text()).toBe('called hook\n');
}, 120_000);

test('a device that nobody describes is told, with the files that are wrong', async () => {
  writeFileSync(join(cdi, 'wrong.json'), '{"cdiVersion": "0.5.0", "kind": "vendor.com/x", "devices": [{"name": "a"}]}');
  const { code, text } = await inContainer(['vendor.com/x=a'], 'true');
  expect([code, text]).toEqual([
    1,
    expect.stringMatching(/unresolvable CDI device vendor.com\/x=a .*wrong\.json\.devices\[0\]\.containerEdits/),
  ]);
}, 120_000);
