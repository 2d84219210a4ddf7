import { formatTimestamp } from '#base/timestamp';
import { eventToJson } from '#client/event-json';
import { command } from './globals.ts';
import { printLine } from './output.ts';

export default command({
  name: 'events',
  aliases: ['event'],
  summary: 'display containerd events',
  flags: {},
  run: async ({ client, scope }, { io, args }) => {
    for await (const { timestamp, namespace, topic, event } of client.events.subscribe(scope.signal, args)) {
      await printLine(io, `${goTime(timestamp)} ${namespace} ${topic} ${eventToJson(event)}`);
    }
    return 0;
  },
});

/** `2026-11-23 12:00:00.1 +0000 UTC`, as Go prints a time. */
function goTime(at: Parameters<typeof formatTimestamp>[0]): string {
  const [date = '', time = ''] = formatTimestamp(at).split('T');
  return `${date} ${time.replace(/\.?0*Z$/, '')} +0000 UTC`;
}
