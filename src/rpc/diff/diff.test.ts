import { expect, test } from 'bun:test';
import { Diff } from '#api/services/diff/v1/diff_pb';
import type { Differ } from '#core/diff/diff';
import { scopeOf } from '#core/scope';
import { faultOf } from '#core/subject';
import { digestOf } from '#lib/digest';
import { clientOf, withScope } from '../grpc-client.ts';
import { inProcess, overTheWire } from '../in-process.ts';
import { remoteDiffer } from './client.ts';
import { serveDiff } from './server.ts';

const scope = scopeOf('default');
const layer = {
  mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
  digest: digestOf('l'),
  size: 2 ** 40,
  annotations: { a: 'b' },
};
const mounts = [{ type: 'bind', source: '/s', target: '', options: ['rw', 'rbind'] }];

function recorder() {
  const calls: unknown[] = [];
  const differ: Differ = {
    apply: async (_, ...rest) => {
      calls.push(rest);
      return layer;
    },
    compare: async (_, ...rest) => {
      calls.push(rest);
      return layer;
    },
  };
  return { calls, differ };
}

test('both directions arrive as they were asked for', async () => {
  const { calls, differ } = recorder();
  await using subject = await overTheWire(serveDiff(differ), remoteDiffer);
  const payloads = { key: { typeUrl: 't', value: new Uint8Array([1]) } };
  expect(await subject.store.apply(scope, layer, mounts, { payloads, syncFs: true })).toEqual(layer);
  await subject.store.apply(scope, layer, []);
  const options = { mediaType: 'm', ref: 'r', labels: { x: 'y' }, sourceDateEpoch: { seconds: 1, nanos: 0 } };
  expect(await subject.store.compare(scope, mounts, [], options)).toEqual(layer);
  await subject.store.compare(scope, [], mounts);
  expect(calls).toEqual([
    [layer, mounts, { payloads, syncFs: true }],
    [layer, [], { payloads: {}, syncFs: false }],
    [mounts, [], options],
    [[], mounts, { labels: {} }],
  ]);
});

test('a layer without a digest, or none at all, is refused', async () => {
  await using server = await inProcess([serveDiff(recorder().differ)]);
  const client = clientOf(Diff, server.transport);
  expect(await faultOf(client.apply({}, withScope(scope)))).toBe('invalid_argument');
  const bad = [{ digest: 'sha256:12' }, { digest: layer.digest, size: 2n ** 60n }];
  for (const diff of bad) expect(await faultOf(client.apply({ diff }, withScope(scope)))).toBe('invalid_argument');
});
