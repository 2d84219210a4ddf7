import { command } from './globals.ts';
import { goTime, printLine } from './output.ts';

export default command({
  name: 'events',
  aliases: ['event'],
  summary: 'display containerd events',
  flags: {},
  run: async ({ client, scope }, { io, args }) => {
    const { eventToJson } = await import('#client/event-json');
    for await (const { timestamp, namespace, topic, event } of client.events.subscribe(scope.signal, args)) {
      await printLine(io, `${goTime(timestamp)} ${namespace} ${topic} ${eventToJson(event)}`);
    }
    return 0;
  },
});
