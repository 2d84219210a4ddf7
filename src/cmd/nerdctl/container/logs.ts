import { now } from '#base/timestamp';
import { parseMoment } from '#lib/docker-time';
import { findContainer } from '#ops/container/find';
import { containerLogs, parseTail } from '#ops/container/logs';
import type { LogEntry } from '#ops/logs/log-entry';
import { flag, text } from '../../cli/flags.ts';
import type { Io } from '../../cli/io.ts';
import { command } from '../globals.ts';

export default (name: string, summary: string) =>
  command({
    name,
    summary,
    args: 'CONTAINER',
    arity: [1, 1],
    completes: ['containers'],
    flags: {
      details: flag('show what the log driver was told to note with each line'),
      follow: flag('go on with what comes', { alias: 'f' }),
      since: text('what was written since then: a time, or 10m before now'),
      tail: text('the last so many lines', { alias: 'n', default: 'all' }),
      timestamps: flag('show when each line was written', { alias: 't' }),
      until: text('what was written until then'),
    },
    run: async (engine, { io, args: [word = ''], flags }) => {
      const container = await findContainer(engine, word);
      const present = now();
      const moment = (text: string) => (text === '' ? undefined : parseMoment(text, present));
      const batches = containerLogs(engine, container, {
        follow: flags.follow,
        tail: parseTail(flags.tail),
        since: moment(flags.since),
        until: moment(flags.until),
        note: (message) => void io.stderr.write(`${message}\n`),
      });
      const show = shower(flags.timestamps, flags.details);
      for await (const batch of batches) await print(io, batch, show);
      return 0;
    },
  });

/** Each stream to its own, as few writes as order allows. */
async function print(io: Io, batch: readonly LogEntry[], show: (entry: LogEntry) => string): Promise<void> {
  for (let at = 0; at < batch.length; ) {
    const stream = batch[at]?.stream ?? 'stdout';
    let text = '';
    for (; at < batch.length && batch[at]?.stream === stream; at++) text += show(batch[at] as LogEntry);
    await io[stream].write(text);
  }
}

function shower(timestamps: boolean, details: boolean): (entry: LogEntry) => string {
  if (!timestamps && !details) return ({ text }) => text;
  return ({ time, text, attrs }) =>
    `${timestamps ? `${nineDigits(time)} ` : ''}${details ? `${attributes(attrs)} ` : ''}${text}`;
}

/** docker shows all digits of the second. */
function nineDigits(time: string): string {
  const [, whole = time, fraction = ''] = /^(.*?)(?:\.(\d+))?Z$/.exec(time) ?? [];
  return `${whole}.${fraction.padEnd(9, '0')}Z`;
}

const attributes = (attrs: LogEntry['attrs']): string =>
  Object.entries(attrs)
    .map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`)
    .sort()
    .join(',');
