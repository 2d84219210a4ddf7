import { afterAll, beforeAll, expect, test } from 'bun:test';
import { type RealRig, startRealRig, talkingBusybox } from './rig.ts';

let rig: RealRig;
beforeAll(async () => {
  rig = await startRealRig();
  await rig.load('busybox', talkingBusybox());
}, 300_000);
afterAll(() => rig?.[Symbol.asyncDispose](), 300_000);

const names = Array.from({ length: 50 }, (_, at) => `many${at}`);
const portOf = (name: string) => 20_000 + Number(name.slice('many'.length));

test('fifty containers with ports are started at once, all answer, and nothing is left of them', async () => {
  const serve = (name: string) => ['sh', '-c', `while :; do echo ${name} | busybox nc -l -p 80; done`];
  await Promise.all(
    names.map((name) => rig.ok('run', '-d', '--name', name, '-p', `${portOf(name)}:80`, 'busybox', ...serve(name))),
  );
  const asked = names.map(async (name) => {
    const script = `for i in $(seq 100); do timeout 2 busybox nc 10.4.0.1 ${portOf(name)} < /dev/null && exit; sleep 0.1; done`;
    return (await rig.onHost('sh', '-c', script)).stdout.trim();
  });
  expect(await Promise.all(asked)).toEqual(names);
  const addresses = await rig.ok('inspect', '-f', '{{.NetworkSettings.IPAddress}}', ...names);
  expect(new Set(addresses.split('\n')).size).toBe(names.length);
  await Promise.all(names.map((name) => rig.ok('rm', '-f', name)));
  expect(await rig.left()).toEqual([]);
}, 300_000);
