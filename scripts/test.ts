/**
 * Runs all tests, a group at a time, and counts: the last line is `tests: N passed, N failed`. Afterwards looks for what the tests
 * left on the machine; anything found is a failure. Arguments choose groups by name.
 */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { leftovers, machineState, removeDirectory } from '#test/support/leftovers';

interface Group {
  readonly name: string;
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Only when asked for by its name. */
  readonly apart?: boolean;
  readonly timeoutMs?: number;
}

/** A test that takes longer hangs. Many times what one needs: machines are slow, shared, and wait for their disks. */
const patience = ['--timeout', '120000'];
/** Several times what the longest group needs. */
const groupTimeoutMs = 1_800_000;
const top = new URL('..', import.meta.url).pathname;
const groups: readonly Group[] = [
  { name: 'native', command: ['make', '-C', 'native/shim', '--no-print-directory', 'asan', 'test'] },
  { name: 'unit', command: ['bun', 'test', ...patience, 'src', 'test/api', 'test/docs', 'test/fuzz'] },
  {
    name: 'shim under sanitizers',
    command: ['bun', 'test', ...patience, 'test/integration/shim'],
    env: { BERTH_SHIM: `${top}build/shim-asan/containerd-shim-runc-v2` },
  },
  { name: 'integration', command: ['bun', 'test', ...patience, 'test/integration'] },
  { name: 'advisories', command: ['bun', 'test', ...patience, 'test/advisories'] },
  { name: 'conformance', command: ['bun', 'test', ...patience, 'test/conformance'] },
  { name: 'robustness', command: ['bun', 'test', '--timeout', '300000', 'test/robustness', 'test/load'] },
  {
    name: 'vm',
    command: ['bun', 'test', '--timeout', '600000', 'test/vm'],
    apart: true,
    timeoutMs: 5_400_000,
  },
];

if (process.getuid?.() !== 0) {
  console.log('these tests mount, run containers and need root: run them as root');
  console.log('tests: 0 passed, 1 failed');
  process.exit(1);
}

// Containers with other users than this one look into what the tests make.
process.umask(0o022);
const chosen = process.argv.slice(2);
const mark = `BERTH_TEST_RUN=${randomUUID()}`;
const directory = `/tmp/berth-test-${mark.slice(-8)}`;
mkdirSync(directory, { mode: 0o755 });
const before = machineState();
const sum = { passed: 0, failed: 0 };
/** What failed, told again at the end: whoever sees only the last lines of a run must know too. */
const told: string[] = [];
for (const group of groups.filter(({ name, apart = false }) =>
  chosen.length === 0 ? !apart : chosen.includes(name),
)) {
  const folder = group.command.find((word) => word.startsWith('test/') || word === 'src' || word.startsWith('native/'));
  if (folder !== undefined && !existsSync(`${top}/${folder}`))
    throw new Error(`the group ${group.name} has no ${folder}`);
  console.log(`\n== ${group.name}`);
  const { passed, failed, failures } = await run(group);
  sum.passed += passed;
  sum.failed += failed;
  told.push(...failures);
}
const left = leftovers(mark, directory, before);
for (const line of left) console.log(`left behind: ${line}`);
if (left.length > 0) sum.failed++;
else removeDirectory(directory);
for (const text of told) console.log(`\n== failed: ${text}`);
console.log(`\ntests: ${sum.passed} passed, ${sum.failed} failed`);
process.exitCode = sum.failed === 0 && sum.passed > 0 ? 0 : 1;

/** Runs one group; its output goes through, and its closing lines are counted. A group that ends badly without a failed test counts one. */
async function run(group: Group): Promise<{ passed: number; failed: number; failures: string[] }> {
  const [command = '', ...args] = group.command;
  const [name = '', value = ''] = mark.split('=');
  const child = spawn(command, args, {
    cwd: top,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, [name]: value, TMPDIR: directory, ...group.env },
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      process.stdout.write(chunk);
    });
  }
  // A test that hangs must not hang the run: its group has failed then.
  const timeoutMs = group.timeoutMs ?? groupTimeoutMs;
  const late = setTimeout(() => {
    console.log(`\nthe group ${group.name} takes longer than ${timeoutMs / 60_000} minutes`);
    process.kill(-(child.pid as number), 'SIGKILL');
  }, timeoutMs);
  const code = await new Promise<number>((resolve) => child.once('close', (status) => resolve(status ?? 1)));
  clearTimeout(late);
  const count = (word: string) =>
    [...said.matchAll(new RegExp(`^\\s*(\\d+) ${word}s?$`, 'gm'))].reduce((all, [, n]) => all + Number(n), 0);
  const bad = count('fail') + count('error') + count('skip') + count('todo');
  const failed = bad === 0 && code !== 0 ? 1 : bad;
  return { passed: count('pass'), failed, failures: failed === 0 ? [] : failuresIn(group.name, said) };
}

/** Each failed test of a group with the last lines before its verdict (its error); of a group that failed otherwise, its last lines. */
function failuresIn(group: string, said: string): string[] {
  const linesOfAnError = 25;
  const [report = ''] = said.split(/^\d+ tests failed:$/m); // behind it they are listed again
  const lines = report.split('\n');
  const verdicts = lines.flatMap((line, at) => (line.startsWith('(fail)') ? [at] : []));
  if (verdicts.length === 0) return [`${group}\n${lines.slice(-linesOfAnError).join('\n')}`];
  return verdicts.map((at) => {
    const before = lines.slice(0, at).findLastIndex((line) => /^\((pass|fail)\)/.test(line));
    const file = lines.slice(0, at).findLast((line) => /^\S+\.test\.ts:$/.test(line)) ?? '';
    return `${group}, ${file}\n${lines.slice(Math.max(before + 1, at - linesOfAnError), at + 1).join('\n')}`;
  });
}
