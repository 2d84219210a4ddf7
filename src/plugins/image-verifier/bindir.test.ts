import { afterAll, expect, test } from 'bun:test';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { silent } from '#base/log';
import { faultOf } from '#core/subject';
import { digestOf } from '#lib/digest';
import { bindirVerifier } from './bindir.ts';

const home = mkdtempSync('/tmp/berth-verifiers-');
afterAll(() => rmSync(home, { recursive: true }));
let count = 0;

const target = { mediaType: 'm', digest: digestOf('x'), size: 12, annotations: { a: 'b' } };

/** A verifier of programs, by name and lines of shell. */
function verifier(
  programs: Readonly<Record<string, string>>,
  options: { maxVerifiers?: number; timeoutMs?: number } = {},
) {
  const directory = join(home, String(count++));
  mkdirSync(directory);
  for (const [name, lines] of Object.entries(programs)) {
    writeFileSync(join(directory, name), `#!/bin/sh\n${lines}\n`);
    chmodSync(join(directory, name), 0o755);
  }
  const made = bindirVerifier({ directory, maxVerifiers: 10, timeoutMs: 60_000, log: silent, ...options });
  return (signal = new AbortController().signal) => made.verify('host/name:tag', target, signal);
}

test('each is told name, digest and descriptor, and all must allow', async () => {
  const told = join(home, 'told');
  const verify = verifier({ a: `echo "$@" >${told}; cat >>${told}; echo fine`, b: 'echo good' });
  expect(await verify()).toEqual({ allowed: true, reason: 'a => fine, b => good' });
  const [args, ...input] = readFileSync(told, 'utf8').split('\n');
  expect(args).toBe(
    `-name host/name:tag -digest ${target.digest} -stdin-media-type application/vnd.oci.descriptor.v1+json`,
  );
  expect(JSON.parse(input.join('\n'))).toEqual(target);
  const no = verifier({ a: 'echo fine', b: 'echo untrusted; exit 3', c: `touch ${join(home, 'asked')}` });
  expect(await no()).toEqual({ allowed: false, reason: 'verifier b rejected image (exit code 3): untrusted' });
  expect(existsSync(join(home, 'asked'))).toBe(false);
});

test('no directory and an empty one allow; more than asked for are left out', async () => {
  const gone = bindirVerifier({ directory: join(home, 'nowhere'), maxVerifiers: 10, timeoutMs: 1, log: silent });
  const signal = new AbortController().signal;
  expect(await gone.verify('n', target, signal)).toMatchObject({
    allowed: true,
    reason: expect.stringContaining('does not exist'),
  });
  expect((await verifier({})()).allowed).toBe(true);
  const two = { a: 'echo fine', b: 'exit 1' };
  expect((await verifier(two, { maxVerifiers: 1 })()).allowed).toBe(true);
  expect((await verifier(two, { maxVerifiers: -1 })()).allowed).toBe(false);
  expect((await verifier(two, { maxVerifiers: 0 })()).allowed).toBe(true);
});

test('what cannot be run allows nothing', async () => {
  const directory = join(home, String(count++));
  mkdirSync(join(directory, 'folder'), { recursive: true });
  const made = bindirVerifier({ directory, maxVerifiers: 10, timeoutMs: 1_000, log: silent });
  expect(await faultOf(made.verify('n', target, new AbortController().signal))).toBe('permission_denied');
  rmSync(join(directory, 'folder'), { recursive: true });
  writeFileSync(join(directory, 'text'), 'no program');
  expect(await faultOf(made.verify('n', target, new AbortController().signal))).toBe('permission_denied');
});

test('one that hangs is ended with its children, one that floods is heard in part, one that reads nothing is no failure', async () => {
  const pid = join(home, 'pid');
  const hangs = verifier({ a: `sleep 1000 & echo $! >${pid}; sleep 1000` }, { timeoutMs: 2_000 });
  expect(await faultOf(hangs())).toBe('deadline_exceeded');
  await ended(Number(readFileSync(pid, 'utf8')));
  const leaves = verifier({ a: `sleep 1000 & echo $! >${pid}; echo fine` });
  expect((await leaves()).reason).toBe('a => fine');
  await ended(Number(readFileSync(pid, 'utf8')));
  const floods = await verifier({ a: 'head -c 3000000 /dev/zero | tr "\\0" x; exit 1' })();
  expect([floods.allowed, floods.reason.length < 33_000]).toEqual([false, true]);
  expect(await verifier({ a: 'exec 0<&- 1>&- 2>&-; exit 0' })()).toEqual({ allowed: true, reason: 'a => ' });
});

test('a caller that goes away ends what is asked', async () => {
  const gone = new AbortController();
  const verdict = faultOf(verifier({ a: 'sleep 1000' })(gone.signal));
  setTimeout(() => gone.abort(), 50);
  expect(await verdict).toBe('canceled');
});

/** Settles when it has ended, be it a zombie that nobody has collected: which is soon, or the test takes too long. */
async function ended(pid: number): Promise<void> {
  while (readdirSync('/proc').includes(String(pid))) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    if (stat === '' || stat.includes(') Z ')) return;
    await new Promise((later) => setTimeout(later, 10));
  }
}
