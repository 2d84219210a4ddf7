import { now, toMillis, toNanos } from '#base/timestamp';
import { parseMoment } from '#lib/docker-time';
import { jsonOf } from '#lib/go-template/json';
import { type DockerEvent, dockerEvents, eventFilters } from '#ops/system/events';
import { text } from '../../cli/flags.ts';
import { filterFlag, filtersOf } from '../filter-flag.ts';
import { localTime } from '../format/local-time.ts';
import { templateOf } from '../format/template-text.ts';
import { command } from '../globals.ts';

export default (name: string, summary: string) =>
  command({
    name,
    summary,
    args: '',
    arity: [0, 0],
    flags: {
      filter: filterFlag(),
      format: text('json, or a Go template'),
      since: text('begin with what the daemon remembers since then: a time, or 10m before now'),
      until: text('end then'),
    },
    run: async (engine, { io, flags }) => {
      const present = now();
      const moment = (word: string) => (word === '' ? undefined : parseMoment(word, present));
      const show = shower(flags.format);
      const filters = filtersOf(flags.filter, eventFilters);
      for await (const event of dockerEvents(engine, {
        since: moment(flags.since),
        until: moment(flags.until),
        filters,
      }))
        await io.stdout.write(`${show(event)}\n`);
      return 0;
    },
  });

function shower(format: string): (event: DockerEvent) => string {
  if (format === '') return line;
  if (format === 'json') return (event) => jsonOf(messageOf(event));
  const template = templateOf(format, { failure: 'template parsing error', exit: 64 });
  return (event) => template.render(messageOf(event));
}

/** `2026-11-23T19:00:00.000000001Z container start <id> (image=…, name=…)`. */
function line({ at, type, action, id, attributes }: DockerEvent): string {
  const [day, clock, zone = ''] = localTime(toMillis(at)).split(' ');
  const offset = zone === '+0000' ? 'Z' : `${zone.slice(0, 3)}:${zone.slice(3)}`;
  const time = `${day}T${clock}.${String(at.nanos).padStart(9, '0')}${offset}`;
  const pairs = Object.entries(attributes).map(([key, value]) => `${key}=${value}`);
  return `${time} ${type} ${action} ${id}${pairs.length === 0 ? '' : ` (${pairs.sort().join(', ')})`}`;
}

/** As docker's API has it. */
const messageOf = ({ at, type, action, id, attributes }: DockerEvent) => ({
  ...(type === 'container' && { status: action, id, from: attributes.image ?? '' }),
  ...(type === 'image' && { status: action, id }),
  Type: type,
  Action: action,
  Actor: { ID: id, Attributes: attributes },
  scope: 'local',
  time: at.seconds,
  timeNano: toNanos(at),
});
