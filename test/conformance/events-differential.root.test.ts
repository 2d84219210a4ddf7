import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { eventToJson } from '#client/event-json';
import { remoteEvents } from '#rpc/events/client';
import { openTransport } from '#rpc/transport';
import { forgetNamespace } from '#test/support/nothing-left';
import { DebianContainerd } from '../bench/debian-containerd.ts';
import { busyboxImage } from '../support/busybox-image.ts';
import { run, startDaemon } from '../support/daemon.ts';
import { writeOciArchive } from '../support/oci-archive.ts';

// What Debian's ctr does makes the same events at Debian's containerd and at ours: topics, types, payloads and their order.

const image = 'example.com/a/busybox:v1';
const namespace = `events-${process.pid}`; // of this run: runtimes keep containers by namespace for the whole machine

const commands: readonly string[] = [
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

/** What a daemon tells while ctr works at it, one line an event. */
async function eventsOf(address: string, directory: string, archive: string): Promise<string[]> {
  using transport = openTransport(address);
  const stop = new AbortController();
  using _ = { [Symbol.dispose]: () => stop.abort() };
  const heard: string[] = [];
  let last = Date.now();
  const listening = (async () => {
    for await (const { topic, event } of remoteEvents(transport).subscribe(stop.signal, [`namespace==${namespace}`])) {
      last = Date.now();
      if (topic === '/content/create') continue; // of later releases
      heard.push(`${topic} ${event.typeUrl} ${plain(eventToJson(event), directory)}`);
    }
  })();
  listening.catch(() => {}); // what matters is awaited below
  await Bun.sleep(300);
  for (const command of commands) {
    const words = command
      .split(' ')
      .map((word) => word.replace('ARCHIVE', archive).replaceAll('"', '').replace('_', ' '));
    const { code, stderr } = await run('/usr/bin/ctr', ['-a', address, '-n', namespace, ...words]);
    if (code !== 0 && !failing.has(command)) throw new Error(`${command}: ${code}: ${stderr}`);
    last = Date.now();
    while (Date.now() - last < 150) await Bun.sleep(20);
    heard.push(`# ${command}`);
  }
  stop.abort();
  await listening;
  return heard;
}

/** Without what differs between any two runs. */
const plain = (json: string, directory: string) =>
  inOrder(json)
    .replace(/,"snapshotter":"native"/, '') // of later releases
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

test('the same work makes the same events', async () => {
  const directory = mkdtempSync('/dev/shm/berth-events-');
  try {
    const archive = join(directory, 'image.tar');
    writeOciArchive(archive, image, { 'linux/amd64': busyboxImage() });
    await using ours = await startDaemon({ parent: '/dev/shm' });
    await using theirs = await DebianContainerd.start('/dev/shm');
    const wanted = await eventsOf(theirs.address, theirs.directory, archive);
    const heard = await eventsOf(ours.address, ours.directory, archive);
    // Later releases tell what a collection takes, 1.6 does not.
    const collected = heard.findIndex((line) => /^.snapshot.remove .*"key":"sha256:/.test(line));
    expect(heard[collected + 1]).toBe(`# images rm --sync ${image}`);
    expect(heard.toSpliced(collected, 1)).toEqual(wanted);
    expect(wanted.length).toBeGreaterThan(commands.length + 25);
  } finally {
    rmSync(directory, { recursive: true });
    rmSync(`/run/containerd/runc/${namespace}`, { recursive: true, force: true }); // where runc had its containers
    forgetNamespace(namespace);
  }
}, 90_000);
