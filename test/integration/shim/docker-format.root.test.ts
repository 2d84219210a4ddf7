import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
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

/** What docker 20.10 wrote of the same script with `--label 'a=b<c>' --log-opt labels=a --log-opt tag={{.Name}} --name named`, without its times. */
const recorded = new URL('./docker-20.10.log', import.meta.url).pathname;

test("a log is docker's to the last byte, but for its times", async () => {
  await using open = new AsyncDisposableStack();
  const r = open.use(await rig());
  const ours = logged(r, 'c1', { attrs: '{"a":"b\\u003cc\\u003e","tag":"named"}' });
  const shim = await r.launch('c1', { args: ['sh', '-c', script], ...ours.streams });
  expect(await shim.exitOf()).toBe(0);
  await shim.end();
  expect(untimed(ours.path)).toBe(readFileSync(recorded, 'latin1'));
});
