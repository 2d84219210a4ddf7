import { expect, test } from 'bun:test';
import { compare, now } from '#base/timestamp';
import { scopeOf } from '#core/scope';
import { faultOf, type OpenSubject } from '#core/subject';
import type { CreateSandboxOptions, SandboxController } from './controller.ts';
import type { NewSandbox } from './sandboxes.ts';

const scope = scopeOf('sandbox-suite');
const spec = {
  typeUrl: 'types.containerd.io/opencontainers/runtime-spec/1/Spec',
  value: Buffer.from('{"ociVersion":"1.0.2"}'),
};
const record = (id: string): NewSandbox => ({
  ...{ id, labels: {}, runtime: { name: 'io.containerd.runc.v2' }, spec, sandboxer: 'shim', extensions: {} },
});
const options: CreateSandboxOptions = { rootfs: [], netnsPath: '', annotations: {} };

/** What every controller promises of sandboxes of the runtime `io.containerd.runc.v2`. */
export function sandboxControllerSuite(label: string, open: OpenSubject<SandboxController>): void {
  test(`${label}: a sandbox runs from its start to its stop, and is there until its shutdown`, async () => {
    await using subject = await open();
    const { store: sandboxes } = subject;
    const before = now();
    await sandboxes.create(scope, record('box'), options);
    const { createdAt = before } = await sandboxes.start(scope, 'box');
    const running = await sandboxes.status(scope, 'box', 'verbose');
    expect(running).toMatchObject({ id: 'box', state: 'SANDBOX_READY' });
    expect(running).not.toHaveProperty('exitedAt');
    expect(running.createdAt).toEqual(createdAt);
    expect((await sandboxes.platform(scope, 'box')).os).toBe('linux');
    expect(await sandboxes.metrics(scope, 'box')).toMatchObject({ id: 'box' });
    await sandboxes.update(scope, 'box', record('box'), ['labels']);
    const waits = [sandboxes.wait(scope, 'box'), sandboxes.wait(scope, 'box')];
    await sandboxes.stop(scope, 'box', 5);
    const [first, second] = await Promise.all(waits);
    expect(first?.exitStatus).toBe(0);
    expect(compare(first?.exitedAt ?? before, createdAt)).toBeGreaterThanOrEqual(0);
    expect(second).toEqual(first as NonNullable<typeof first>);
    expect(await sandboxes.wait(scope, 'box')).toEqual(first as NonNullable<typeof first>);
    await sandboxes.stop(scope, 'box');
    const stopped = await sandboxes.status(scope, 'box', 'brief');
    expect(stopped).toMatchObject({ state: 'SANDBOX_NOTREADY', exitedAt: first?.exitedAt });
    await sandboxes.shutdown(scope, 'box');
    const gone = await sandboxes.status(scope, 'box', 'brief');
    expect(gone).toMatchObject({ id: 'box', pid: 0, state: '' });
    expect(compare(gone.exitedAt ?? before, createdAt)).toBeGreaterThan(0);
  });

  test(`${label}: one that is not there is not found, except that it has ended`, async () => {
    await using subject = await open();
    const { store: sandboxes } = subject;
    const asked = [
      sandboxes.start(scope, 'nobody'),
      sandboxes.platform(scope, 'nobody'),
      sandboxes.wait(scope, 'nobody'),
      sandboxes.shutdown(scope, 'nobody'),
      sandboxes.metrics(scope, 'nobody'),
      sandboxes.update(scope, 'nobody', record('nobody'), []),
    ];
    expect(await Promise.all(asked.map(faultOf))).toEqual(asked.map(() => 'not_found'));
    await sandboxes.stop(scope, 'nobody');
    expect(await sandboxes.status(scope, 'nobody', 'brief')).toMatchObject({ id: 'nobody', pid: 0, state: '' });
    expect((await sandboxes.status(scope, 'nobody', 'brief')).exitedAt).toBeDefined();
  });

  test(`${label}: an id is one sandbox of its namespace, and free again after the shutdown`, async () => {
    await using subject = await open();
    const { store: sandboxes } = subject;
    const other = scopeOf('sandbox-suite-2');
    for (const each of [scope, other]) await sandboxes.create(each, record('box'), options);
    expect(await faultOf(sandboxes.create(scope, record('box'), options))).toBe('already_exists');
    await sandboxes.shutdown(scope, 'box');
    await sandboxes.create(scope, record('box'), options);
    for (const each of [scope, other]) {
      await sandboxes.start(each, 'box');
      await sandboxes.shutdown(each, 'box');
    }
    for (const id of ['', 'a/b', '..', '-']) {
      expect(await faultOf(sandboxes.create(scope, record(id), options))).toBe('invalid_argument');
    }
  });

  test(`${label}: a shutdown ends what runs, and who waits hears of it`, async () => {
    await using subject = await open();
    const { store: sandboxes } = subject;
    await sandboxes.create(scope, record('box'), options);
    await sandboxes.start(scope, 'box');
    const wait = sandboxes.wait(scope, 'box');
    wait.catch(() => {});
    // The wait must have arrived: the two calls may overtake each other on the wire.
    await sandboxes.status(scope, 'box', 'brief');
    await sandboxes.shutdown(scope, 'box');
    expect((await wait).exitedAt).toBeDefined();
    expect(await faultOf(sandboxes.shutdown(scope, 'box'))).toBe('not_found');
  });
}
