import { afterAll, expect, test } from 'bun:test';
import { appendFileSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type ReadLogsOptions, readLogs } from './read-logs.ts';

const directory = mkdtempSync('/tmp/berth-logs-');
afterAll(() => rmSync(directory, { recursive: true, force: true }));
let logs = 0;
const newPath = (): string => join(directory, `log-${++logs}`);

const line = (text: string, time = '2024-01-01T00:00:00Z', stream = 'stdout'): string =>
  `${JSON.stringify({ log: text, stream, time })}\n`;
const lines = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, i) => line(`${from + i}\n`)).join('');

async function textsOf(options: Omit<ReadLogsOptions, 'signal'>): Promise<string[]> {
  const { signal } = new AbortController();
  const texts: string[] = [];
  for await (const { text } of readLogs({ signal, ...options })) texts.push(text);
  return texts;
}

/** Reads in the background; `until` waits for a text. */
function following(options: Omit<ReadLogsOptions, 'signal'>) {
  const abort = new AbortController();
  const ended = new AbortController();
  const texts: string[] = [];
  const done = (async () => {
    for await (const { text } of readLogs({ follow: true, ended: ended.signal, signal: abort.signal, ...options }))
      texts.push(text);
  })();
  const until = async (text: string) => {
    for (let i = 0; i < 500 && !texts.includes(text); i++) await wait(10);
    expect(texts).toContain(text);
  };
  return { texts, done, until, ended, abort };
}

const count = (from: number, to: number): string[] => Array.from({ length: to - from + 1 }, (_, i) => `${from + i}\n`);

test('entries have their stream, time, text and attributes', async () => {
  const path = newPath();
  writeFileSync(
    path,
    '{"log":"plain\\n","stream":"stdout","time":"2024-01-01T00:00:00.5Z"}\n' +
      '{"log":"a \\"\\\\\\u003c\\u0009\\n","stream":"stderr","attrs":{"tag":"x\\"y"},"time":"2024-01-01T00:00:01Z"}\n' +
      '{"log":"part","stream":"stdout","attrs":{"tag":"x\\"y"},"time":"2024-01-01T00:00:02.000000001Z"}\n' +
      '{"time":"2024-01-01T00:00:03Z","log":"other order\\n","stream":"stdout"}\n' +
      '{"log":"\\",\\"stream\\":\\"stderr\\",\\n","stream":"stdout","time":"2024-01-01T00:00:04Z"}\n',
  );
  const { signal } = new AbortController();
  expect(await Array.fromAsync(readLogs({ path, signal }))).toEqual([
    { stream: 'stdout', time: '2024-01-01T00:00:00.5Z', text: 'plain\n', attrs: {} },
    { stream: 'stderr', time: '2024-01-01T00:00:01Z', text: 'a "\\<\t\n', attrs: { tag: 'x"y' } },
    { stream: 'stdout', time: '2024-01-01T00:00:02.000000001Z', text: 'part', attrs: { tag: 'x"y' } },
    { stream: 'stdout', time: '2024-01-01T00:00:03Z', text: 'other order\n', attrs: {} },
    { stream: 'stdout', time: '2024-01-01T00:00:04Z', text: '","stream":"stderr",\n', attrs: {} },
  ]);
});

test('what is no entry is passed over, and told', async () => {
  const path = newPath();
  const cut = '{"log":"cut","stream":"stdo\n';
  writeFileSync(
    path,
    `${line('1\n')}garbage\n${cut}[1]\n{"log":1}\n{"log":"x","stream":"stdout","time":"soon"}\n\n${line('2\n')}{"log":"half`,
  );
  const notes: string[] = [];
  expect(await textsOf({ path, note: (message) => notes.push(message) })).toEqual(['1\n', '2\n']);
  expect(notes.length).toBe(5);
});

test('rotated files are read in their order, and only the end of them when that is asked for', async () => {
  const path = newPath();
  writeFileSync(`${path}.2`, lines(1, 10));
  writeFileSync(`${path}.1`, lines(11, 20));
  writeFileSync(path, lines(21, 30));
  writeFileSync(`${path}.x`, 'no log');
  expect(await textsOf({ path })).toEqual(count(1, 30));
  expect(await textsOf({ path, tail: 0 })).toEqual([]);
  expect(await textsOf({ path, tail: 3 })).toEqual(count(28, 30));
  expect(await textsOf({ path, tail: 10 })).toEqual(count(21, 30));
  expect(await textsOf({ path, tail: 11 })).toEqual(count(20, 30));
  expect(await textsOf({ path, tail: 20 })).toEqual(count(11, 30));
  expect(await textsOf({ path, tail: 29 })).toEqual(count(2, 30));
  expect(await textsOf({ path, tail: 1000 })).toEqual(count(1, 30));
});

test('the end of a long file is found across blocks', async () => {
  const path = newPath();
  writeFileSync(path, lines(1, 50_000));
  for (const tail of [1, 999, 1000, 1001, 49_999, 50_000])
    expect(await textsOf({ path, tail })).toEqual(count(50_001 - tail, 50_000));
});

test('times choose among entries, to the nanosecond', async () => {
  const path = newPath();
  const times = ['00:00:00Z', '00:00:00.5Z', '00:00:00.500000001Z', '00:00:01Z', '00:00:10.1Z'];
  writeFileSync(path, times.map((time, i) => line(`${i}\n`, `2024-01-01T${time}`)).join(''));
  expect(await textsOf({ path, since: '2024-01-01T00:00:00.500Z' })).toEqual(count(1, 4));
  expect(await textsOf({ path, since: '2024-01-01T00:00:00.500000001Z' })).toEqual(count(2, 4));
  expect(await textsOf({ path, until: '2024-01-01T00:00:01.000Z' })).toEqual(count(0, 3));
  expect(await textsOf({ path, since: '2024-01-01T00:00:00.1Z', until: '2024-01-01T00:00:00.5Z' })).toEqual(['1\n']);
});

test('a log that is followed goes on through rotations, also several at once, and ends with its container', async () => {
  const path = newPath();
  writeFileSync(path, lines(1, 2));
  const { texts, done, until, ended } = following({ path });
  await until('2\n');
  appendFileSync(path, lines(3, 3));
  await until('3\n');
  appendFileSync(path, lines(4, 4));
  renameSync(path, `${path}.1`);
  writeFileSync(path, lines(5, 6));
  await until('6\n');
  appendFileSync(path, lines(7, 7));
  renameSync(`${path}.1`, `${path}.3`);
  renameSync(path, `${path}.2`);
  writeFileSync(`${path}.1`, lines(8, 9));
  writeFileSync(path, lines(10, 10));
  await until('10\n');
  appendFileSync(path, lines(11, 12));
  ended.abort();
  await done;
  expect(texts).toEqual(count(1, 12));
});

test('a line is handed on when its end has come', async () => {
  const path = newPath();
  const whole = line('whole é\n');
  writeFileSync(path, line('1\n'));
  const { texts, done, until, ended } = following({ path, tail: 0 });
  await wait(30);
  const bytes = Buffer.from(whole);
  for (const byte of bytes) appendFileSync(path, Buffer.from([byte]));
  await until('whole é\n');
  appendFileSync(path, line('last words').slice(0, -1));
  ended.abort();
  await done;
  expect(texts).toEqual(['whole é\n', 'last words']);
});

test('a log that is begun anew or removed while it is followed', async () => {
  const path = newPath();
  writeFileSync(path, lines(1, 20));
  const { texts, done, until } = following({ path, tail: 1 });
  await until('20\n');
  truncateSync(path, 0);
  await wait(50); // without it the new text may be longer than the old when it is looked at
  appendFileSync(path, lines(21, 21));
  await until('21\n');
  appendFileSync(path, lines(22, 22));
  rmSync(path);
  await done;
  expect(texts).toEqual(count(20, 22));
});

test('a log that is removed and begun anew is read on, and older files are not read again', async () => {
  const path = newPath();
  writeFileSync(`${path}.1`, lines(1, 5));
  await wait(20); // times of files are not that exact
  writeFileSync(path, lines(6, 10));
  const { texts, done, until, ended } = following({ path, tail: 2 });
  await until('10\n');
  renameSync(path, `${path}-away`);
  await wait(20);
  writeFileSync(path, lines(11, 12));
  rmSync(`${path}-away`);
  await until('12\n');
  ended.abort();
  await done;
  expect(texts).toEqual(count(9, 12));
});

test('following ends when it is told to, and there must be a log', async () => {
  const path = newPath();
  await expect(textsOf({ path })).rejects.toThrow('not found');
  writeFileSync(path, lines(1, 1));
  const { done, until, abort } = following({ path });
  await until('1\n');
  abort.abort();
  await expect(done).rejects.toThrow('canceled');
});

test('a file without lines is neither kept in memory nor taken for a log', async () => {
  const path = newPath();
  writeFileSync(path, Buffer.alloc(20 << 20));
  appendFileSync(path, `\n${lines(1, 1)}`);
  const notes: string[] = [];
  expect(await textsOf({ path, note: (message) => notes.push(message) })).toEqual(['1\n']);
  expect(notes.length).toBeGreaterThan(1);
});
