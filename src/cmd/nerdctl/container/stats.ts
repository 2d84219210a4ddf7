import { setTimeout as wait } from 'node:timers/promises';
import { throwIfAborted } from '#base/cancellation';
import { bytesSize, humanSize, shortId } from '#lib/units';
import { findContainer } from '#ops/container/find';
import { listContainers } from '#ops/container/list';
import { cpuPercent, type Usage, usageOf } from '#ops/container/stats';
import type { Engine } from '#ops/engine';
import { flag, text } from '../../cli/flags.ts';
import type { Io } from '../../cli/io.ts';
import { type ListSpec, printList } from '../format/list.ts';
import { command } from '../globals.ts';

interface Row {
  readonly id: string;
  readonly name: string;
  readonly before: Usage | undefined;
  /** Undefined for one that does not run. */
  readonly usage: Usage | undefined;
}

/** For the first figures of processors, and between two tables. */
const betweenMs = 1_000;
const firstMs = 500;

export default (name: string, summary: string) =>
  command({
    name,
    summary,
    args: '[CONTAINER...]',
    completes: ['containers...'],
    flags: {
      all: flag('those that do not run, too', { alias: 'a' }),
      format: text('table, json, or a Go template'),
      'no-stream': flag('show it once'),
      'no-trunc': flag('show whole ids'),
    },
    run: async (engine, { io, args, flags }) => {
      const spec = listSpec(flags['no-trunc']);
      const options = { format: flags.format };
      let rows = await look(engine, args, flags.all, []);
      await pause(io, firstMs);
      for (let turn = 0; ; turn++) {
        rows = await look(engine, args, flags.all, rows);
        if (turn > 0 || !flags['no-stream']) if (io.stdout.isTTY) await io.stdout.write('\x1b[2J\x1b[H');
        await printList(io, spec, rows, options);
        if (flags['no-stream']) return 0;
        await pause(io, betweenMs);
      }
    },
  });

async function pause(io: Io, ms: number): Promise<void> {
  await wait(ms, undefined, { signal: io.signal }).catch(() => {});
  throwIfAborted(io.signal);
}

async function look(
  engine: Engine,
  words: readonly string[],
  all: boolean,
  last: readonly Row[],
): Promise<readonly Row[]> {
  const shown = await chosen(engine, words, all);
  const usages = await usageOf(
    engine,
    shown.map(({ id }) => id),
  );
  const before = new Map(last.map(({ id, usage }) => [id, usage]));
  return shown.map(({ id, name }) => ({ id, name, before: before.get(id), usage: usages.get(id) }));
}

async function chosen(engine: Engine, words: readonly string[], all: boolean) {
  if (words.length === 0) return await listContainers(engine, { all });
  const wanted = await Promise.all(words.map((word) => findContainer(engine, word)));
  const summaries = await listContainers(engine, { all: true });
  return wanted.flatMap(({ id }) => summaries.filter((one) => one.id === id));
}

const percent = (value: number): string => `${value.toFixed(2)}%`;
const of = (row: Row, value: (usage: Usage) => string): string => (row.usage === undefined ? '--' : value(row.usage));
const pair = (row: Row, value: (usage: Usage) => readonly [string, string]): string =>
  row.usage === undefined ? '-- / --' : value(row.usage).join(' / ');

const listSpec = (whole: boolean): ListSpec<Row> => ({
  type: '*formatter.statsContext',
  table: 'table {{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}\t{{.PIDs}}',
  columns: {
    Container: { heading: 'CONTAINER', value: ({ id }) => (whole ? id : shortId(id)) },
    ID: { heading: 'CONTAINER ID', value: ({ id }) => (whole ? id : shortId(id)) },
    Name: { heading: 'NAME', value: ({ name }) => name },
    CPUPerc: { heading: 'CPU %', value: (row) => of(row, (usage) => percent(cpuPercent(row.before, usage))) },
    MemUsage: {
      heading: 'MEM USAGE / LIMIT',
      value: (row) => pair(row, ({ memory, memoryLimit }) => [bytesSize(memory), bytesSize(memoryLimit)]),
    },
    MemPerc: {
      heading: 'MEM %',
      value: (row) => of(row, ({ memory, memoryLimit }) => percent((memory / memoryLimit) * 100)),
    },
    NetIO: {
      heading: 'NET I/O',
      value: (row) => pair(row, ({ received, sent }) => [humanSize(received), humanSize(sent)]),
    },
    BlockIO: {
      heading: 'BLOCK I/O',
      value: (row) => pair(row, ({ read, written }) => [humanSize(read), humanSize(written)]),
    },
    PIDs: { heading: 'PIDS', value: (row) => of(row, ({ processes }) => String(processes)) },
  },
});
