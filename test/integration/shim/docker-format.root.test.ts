import { expect, test } from 'bun:test';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DebianContainerd } from '#test/bench/debian-containerd';
import { Dockerd } from '#test/support/dockerd';
import { logged, rig } from './log-rig.ts';

const every = Array.from({ length: 256 }, (_, byte) => `x\\${byte.toString(8).padStart(3, '0')}y`).join('');
/** Characters and what is none: separators of lines, a surrogate, beyond the last, overlong. */
const characters =
  '\\342\\200\\250 \\342\\200\\251 \\303\\251 \\355\\240\\200 \\360\\237\\230\\200 \\364\\220\\200\\200 \\300\\257';
const long = (length: number, letter: string) => `head -c ${length} /dev/zero | busybox tr '\\000' ${letter}; echo`;

const script = [
  `printf '${every}\\n'`,
  `printf '${characters}\\n'`,
  long(16383, 'a'),
  long(16384, 'b'),
  long(40000, 'c'),
  'echo; echo',
  'echo to the other >&2',
  'printf last',
].join('; usleep 50000; ');

const untimed = (path: string): string => readFileSync(path, 'latin1').replaceAll(/"time":"[^"]+Z"/g, 'TIME');

test("a log is docker's to the last byte, but for its times", async () => {
  await using open = new AsyncDisposableStack();
  const parent = mkdtempSync('/tmp/berth-docker-format-');
  open.defer(() => rmSync(parent, { recursive: true, force: true }));
  const containerd = open.use(await DebianContainerd.start(parent));
  const docker = open.use(await Dockerd.start(containerd, { version: '20.10', args: ['--storage-driver=vfs'] }));
  const r = open.use(await rig());
  const run = (command: string, ...args: string[]) =>
    execFileSync(command, args, {
      env: { ...process.env, PATH: docker.path },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  const docked = (...args: string[]) => run(docker.client, '--host', docker.host, ...args);
  const image = join(parent, 'image.tar');
  run('tar', '-C', r.base, '-cf', image, '.');
  docked('import', image, 'base:1');
  const described = ['--label', 'a=b<c>', '--log-opt', 'labels=a', '--log-opt', 'tag={{.Name}}', '--name', 'named'];
  docked('run', '--network', 'none', ...described, 'base:1', 'sh', '-c', script);
  const theirs = docked('inspect', '--format', '{{.LogPath}}', 'named');

  const ours = logged(r, 'c1', { attrs: '{"a":"b\\u003cc\\u003e","tag":"named"}' });
  const shim = await r.launch('c1', { args: ['sh', '-c', script], ...ours.streams });
  expect(await shim.exitOf()).toBe(0);
  await shim.end();
  expect(untimed(ours.path)).toBe(untimed(theirs));
  docked('rm', 'named');
}, 180_000);
