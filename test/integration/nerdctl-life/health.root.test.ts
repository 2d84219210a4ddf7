import { expect, test } from 'bun:test';
import { unpackHealthEvent } from '#core/engine/health-event';
import { readHealth } from '#core/engine/health-file';
import { eventually, type LifeRig, startLifeRig } from './rig.ts';

const ms = 1e6;
const often = { interval: 100 * ms, timeout: 400 * ms, startPeriod: 0, startInterval: 0, retries: 2 };

const healthOf = (rig: LifeRig, id: string) => readHealth(rig.stateDir(id));
const becomes = (rig: LifeRig, id: string, status: string) =>
  eventually(
    () => healthOf(rig, id),
    (health) => health?.Status === status,
  );

async function collectHealth(rig: LifeRig, signal: AbortSignal, seen: string[]): Promise<void> {
  for await (const { event } of rig.client.events.subscribe(signal, ['topic=="/containers/health"'])) {
    const found = unpackHealthEvent(event);
    if (found !== undefined) seen.push(`${found.id.slice(0, 8)} ${found.status}`);
  }
}

// shows: container healthcheck
test('health goes from starting to healthy, unhealthy and back; it lasts over kill -9 of the daemon', async () => {
  await using rig = await startLifeRig();
  const stop = new AbortController();
  const seen: string[] = [];
  const hearing = collectHealth(rig, stop.signal, seen);
  hearing.catch(() => {}); // the daemon is killed
  const { id } = await rig.make('web', ['sleep', '1000'], {
    health: { ...often, test: ['CMD-SHELL', 'echo looked; test ! -e /ill'] },
  });
  expect(await rig.nerdctl(['container', 'healthcheck', 'web'])).toMatchObject({ code: 1 });
  await rig.nerdctl(['start', 'web']);
  const well = await becomes(rig, id, 'healthy');
  expect(well?.Log.at(-1)).toMatchObject({ ExitCode: 0, Output: 'looked\n' });
  expect(await rig.nerdctl(['container', 'healthcheck', 'web'])).toEqual({ code: 0, out: 'looked\n', err: '' });
  await rig.nerdctl(['exec', 'web', 'touch', '/ill']);
  await becomes(rig, id, 'unhealthy');
  expect(
    JSON.parse((await rig.client.containers.get(rig.scope, id)).labels['nerdctl/healthstate'] ?? ''),
  ).toMatchObject({ Status: 'unhealthy' });
  const short = id.slice(0, 8);
  await eventually(
    async () => seen.join(),
    (all) => all === `${short} healthy,${short} unhealthy`,
  );
  stop.abort();

  await rig.daemon.restart('SIGKILL');
  const before = (await healthOf(rig, id))?.FailingStreak ?? 0;
  expect((await healthOf(rig, id))?.Status).toBe('unhealthy');
  await eventually(
    () => healthOf(rig, id),
    (health) => (health?.FailingStreak ?? 0) > before,
  );
  const restarted = Date.now();
  await rig.nerdctl(['restart', '-t', '0', 'web']);
  // Begun anew: nothing of what was found before counts any more.
  await eventually(
    () => healthOf(rig, id),
    (health) =>
      health?.Status === 'unhealthy' &&
      health.Log.length > 0 &&
      health.Log.every(({ Start }) => Date.parse(Start) > restarted),
  );
  // A container that is paused is not asked.
  await rig.nerdctl(['pause', 'web']);
  const last = (
    await eventually(
      () => healthOf(rig, id),
      (health) => (health?.Log.length ?? 0) > 0,
    )
  )?.Log.at(-1);
  await new Promise((resolve) => setTimeout(resolve, 600));
  const later = (await healthOf(rig, id))?.Log.at(-1);
  expect(Date.parse(later?.Start ?? '') - Date.parse(last?.Start ?? '')).toBeLessThan(600);
  await rig.nerdctl(['unpause', 'web']);
  await eventually(
    () => healthOf(rig, id),
    (health) => Date.parse(health?.Log.at(-1)?.Start ?? '') > Date.parse(later?.Start ?? ''),
  );
}, 300_000);

test('a probe that hangs is ended at its time, one that cannot run says why, and long output is cut', async () => {
  await using rig = await startLifeRig();
  const probe = (...command: string[]) => ({ health: { ...often, test: ['CMD', ...command] } });
  const hung = await rig.make('hung', ['sleep', '1000'], probe('sh', '-c', 'echo begun; sleep 12321'));
  const lost = await rig.make('lost', ['sleep', '1000'], probe('/nosuch'));
  const loud = await rig.make('loud', ['sleep', '1000'], probe('sh', '-c', 'yes | head -c 100000'));
  const plain = await rig.make('plain', ['sleep', '1000']);
  await rig.nerdctl(['start', 'hung', 'lost', 'loud', 'plain']);
  expect((await becomes(rig, hung.id, 'unhealthy'))?.Log.at(-1)).toMatchObject({
    ExitCode: -1,
    Output: 'Health check exceeded timeout (0.4s): begun\n',
  });
  await rig.nerdctl(['pause', 'hung']);
  await rig.nerdctl(['unpause', 'hung']);
  expect((await becomes(rig, lost.id, 'unhealthy'))?.Log.at(-1)?.Output).toContain('/nosuch');
  expect((await becomes(rig, loud.id, 'healthy'))?.Log.at(-1)?.Output).toHaveLength(4099);
  expect(await healthOf(rig, plain.id)).toBeUndefined();
  // At most the probe that runs at this moment is there.
  const sleeping = (await rig.nerdctl(['top', 'hung'])).out.split('\n').filter((line) => line.includes('sleep 12321'));
  expect(sleeping.length).toBeLessThanOrEqual(2);
}, 300_000);
