import { setTimeout as wait } from 'node:timers/promises';
import { eventToJson } from '#client/event-json';
import { remoteEvents } from '#rpc/events/client';
import { openTransport } from '#rpc/transport';
import { run } from '../../support/daemon.ts';

export const image = 'example.com/a/busybox:v1';
/** Each in a namespace, with an archive that has the image. */
const commandsIn = (namespace: string): readonly string[] => [
  `namespaces create ${namespace} x=y`,
  `namespaces label ${namespace} a=b`,
  `namespaces label ${namespace} x=`,
  'images import --snapshotter native ARCHIVE',
  `images label ${image} k=v`,
  `images tag ${image} example.com/other:v2`,
  'images rm --sync example.com/other:v2',
  'snapshots --snapshotter native prepare s1',
  'snapshots --snapshotter native commit s2 s1',
  'snapshots --snapshotter native view v s2',
  'snapshots --snapshotter native label s2 a=b',
  'snapshots --snapshotter native rm v',
  'snapshots --snapshotter native rm s2',
  `containers create --label a=b --snapshotter native ${image} c1 /bin/true`,
  'containers label c1 a=c',
  'containers rm c1',
  `run -d --snapshotter native ${image} c2 /bin/sleep 100`,
  'tasks exec --exec-id e1 c2 /bin/sh -c "exit_7"',
  'tasks pause c2',
  'tasks resume c2',
  'tasks kill -s KILL c2',
  'tasks rm c2',
  'containers rm c2',
  `images rm --sync ${image}`,
  `namespaces rm ${namespace}`,
];
// These end with what the program in the container ended with.
const failing = new Set(['tasks exec --exec-id e1 c2 /bin/sh -c "exit_7"', 'tasks rm c2']);

export interface Work {
  /** The client. */
  readonly ctr: string;
  readonly archive: string;
  /** Of this run: runtimes keep containers by namespace for the whole machine. */
  readonly namespace: string;
  readonly snapshotter: string;
  /** Told without what only containerd 2.x tells. */
  readonly asBefore: boolean;
}

/** What a daemon tells while a ctr works at it, one line an event, and one for each command. @throws with what ctr said */
export async function eventsOf(
  { address, directory }: { readonly address: string; readonly directory: string },
  { ctr, archive, namespace, snapshotter, asBefore }: Work,
): Promise<string[]> {
  using transport = openTransport(address);
  const stop = new AbortController();
  using _ = { [Symbol.dispose]: () => stop.abort() };
  const heard: string[] = [];
  let last = Date.now();
  const listening = (async () => {
    for await (const { topic, event } of remoteEvents(transport).subscribe(stop.signal, [`namespace==${namespace}`])) {
      last = Date.now();
      if (asBefore && topic === '/content/create') continue;
      const json = asBefore ? eventToJson(event).replace(/,"snapshotter":"native"/, '') : eventToJson(event);
      heard.push(`${topic} ${event.typeUrl} ${plain(json, directory)}`);
    }
  })();
  listening.catch(() => {}); // what matters is awaited below
  await wait(300);
  for (const command of commandsIn(namespace)) {
    const words = command.split(' ').map((word) =>
      word
        .replace('ARCHIVE', archive)
        .replace(/^native$/, snapshotter)
        .replaceAll('"', '')
        .replace('_', ' '),
    );
    const { code, stderr } = await run(ctr, ['-a', address, '-n', namespace, ...words]);
    if (code !== 0 && !failing.has(command)) throw new Error(`${command}: ${code}: ${stderr}`);
    last = Date.now();
    while (Date.now() - last < 150) await wait(20);
    heard.push(`# ${command}`);
  }
  stop.abort();
  await listening;
  return heard;
}

/** Without what differs between any two runs. */
const plain = (json: string, directory: string) =>
  inOrder(json)
    .replaceAll(directory, '<dir>')
    .replace(/"(pid|\w*_pid)":\d+/g, '"$1":"<pid>"')
    .replace(/extract-\d+-\S{4}/g, 'extract-<chance>')
    .replace(/"exited_at":(\{[^}]*\}|"[^"]*")/g, '"exited_at":"<time>"')
    .replace(/\/run\/containerd\/fifo\/\d+/g, '<fifo>');

/** Go writes maps in any order. */
function inOrder(json: string): string {
  const sorted = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(sorted);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, inner]) => [key, sorted(inner)]),
    );
  };
  return JSON.stringify(sorted(JSON.parse(json)));
}
