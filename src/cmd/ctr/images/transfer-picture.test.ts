import { expect, test } from 'bun:test';
import { Readable } from 'node:stream';
import type { Progress } from '#core/transfer/progress';
import type { Io } from '../../cli/io.ts';
import { TransferDisplay } from './transfer-display.ts';
import { transferPicture } from './transfer-picture.ts';

const digest = (at: number) => `sha256:${String(at).padStart(4, '0').repeat(16)}`;
const thing = (at: number, event: string, progress = 0, total = 100 << 20): Progress => ({
  name: `layer-${digest(at)}`,
  event,
  parents: [],
  progress,
  total,
});
const state = (things: readonly Progress[]) => ({
  title: 'host/image:v1',
  titleState: 'resolved',
  things,
  seconds: 2,
  bytes: 4 << 20,
});

test('where there is room, everything is written out', () => {
  const picture = transferPicture(state([thing(1, 'complete'), thing(2, 'downloading', 50 << 20)]), { columns: 200 });
  expect(picture).toHaveLength(4);
  expect(picture[1]).toStartWith(`layer-${digest(1)}: done `);
  expect(picture[2]).toMatch(/downloading +\|[+]{19}-{19}\| 50\.0 MiB\/100\.0 MiB$/);
  expect(picture[3]).toMatch(/^elapsed: 2\.0 s +total: +4\.0 Mi +\(2\.0 MiB\/s\)$/);
});

for (const columns of [100, 80, 60, 40, 20, 2])
  test(`no line is longer than a terminal of ${columns} columns`, () => {
    const things = [thing(1, 'complete'), thing(2, 'downloading', 50 << 20), thing(3, 'waiting')];
    const picture = transferPicture(state(things), { columns });
    expect(Math.max(...picture.map((line) => line.length))).toBeLessThan(columns);
    if (columns < 40) return;
    expect(picture[2]).toContain(`layer-${digest(2).slice(0, 19)}: down`);
    expect(picture[2]?.includes('|+')).toBe(columns >= 80);
  });

test('in a low terminal what is at work stays in sight, in order, and the rest is counted', () => {
  const things = Array.from({ length: 40 }, (_, at) =>
    at % 10 === 5 ? thing(at, 'downloading', 1 << 20) : thing(at, at < 20 ? 'complete' : 'waiting'),
  );
  const picture = transferPicture(state(things), { columns: 120, rows: 10 });
  expect(picture).toHaveLength(10);
  expect(picture.slice(1, 8).map((line) => Number(line.slice(13, 17)))).toEqual([5, 15, 20, 21, 22, 25, 35]);
  expect(picture[8]).toBe('and 18 done, 15 waiting');
  for (const rows of [1, 2, 3]) expect(transferPicture(state(things), { columns: 120, rows }).length).toBeLessThan(5);
});

function fakeIo(terminal: { readonly columns: number; readonly rows: number } | undefined, env = {}) {
  const written = { text: '' };
  const stdout = {
    isTTY: terminal !== undefined,
    ...terminal,
    write: async (data: string | Uint8Array) => {
      written.text += data.toString();
    },
  };
  const io: Io = {
    argv: [],
    stdin: Readable.from([]),
    stdout,
    stderr: stdout,
    env,
    cwd: '/',
    signal: new AbortController().signal,
    onSignal: () => ({ [Symbol.dispose]: () => {} }),
  };
  return { io, written };
}

test('off a terminal every change is one line, without escapes', async () => {
  const { io, written } = fakeIo(undefined);
  {
    await using display = new TransferDisplay(io, 'host/image:v1');
    display.observe({ ...thing(0, 'Resolving from host'), name: '' });
    display.observe(thing(1, 'waiting'));
    for (const done of [1, 2, 3]) display.observe(thing(1, 'downloading', done << 20));
    display.observe(thing(1, 'complete', 100 << 20));
  }
  const lines = written.text.split('\n');
  expect(lines.slice(0, 5)).toEqual([
    'host/image:v1: resolving',
    'host/image:v1: resolved',
    ...['waiting', 'downloading', 'done'].map((word) => `layer-${digest(1)}: ${word}`),
  ]);
  expect(lines[5]).toMatch(/^elapsed: 0\.0 s total: +100\.0 /);
  expect(written.text).not.toContain('\x1b');
});

test('on a terminal the last picture has everything, with colour unless it is not wanted', async () => {
  for (const [env, colour] of [
    [{}, true],
    [{ NO_COLOR: '1' }, false],
    [{ TERM: 'dumb' }, false],
  ] as const) {
    const { io, written } = fakeIo({ columns: 80, rows: 6 }, env);
    {
      await using display = new TransferDisplay(io, 'host/image:v1');
      for (let at = 0; at < 20; at++) display.observe(thing(at, 'complete', 1));
    }
    expect(written.text.split('\n')).toHaveLength(23);
    expect(written.text.includes('\x1b[32m')).toBe(colour);
  }
});
