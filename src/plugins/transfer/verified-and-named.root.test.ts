import { expect, test } from 'bun:test';
import type { ImageVerifier, Judgement } from '#core/images/verifier';
import { scopeOf } from '#core/scope';
import { faultOf } from '#core/subject';
import { FakeRegistry } from '#test/support/fake-registry';
import { publish, sampleImage, sampleLayer } from '#test/support/sample-image';
import { at, openTestEngine, pullOptions } from './engine.fixture.ts';

const scope = scopeOf('test');

test('an image is pulled when all verifiers allow it, and none of it is fetched when one does not', async () => {
  const asked: unknown[] = [];
  let second: () => Promise<Judgement> = async () => ({ allowed: true, reason: 'fine' });
  const verifiers = new Map<string, ImageVerifier>([
    [
      'first',
      {
        verify: async (name, target) => {
          asked.push([name, target.digest]);
          return { allowed: true, reason: 'known' };
        },
      },
    ],
    ['second', { verify: () => second() }],
  ]);
  await using registry = await FakeRegistry.start();
  await using engine = await openTestEngine({ verifiers });
  const image = sampleImage([sampleLayer({ a: 'b' })]);
  publish(registry, 'a/b', 'v1', image);
  const reference = `${registry.host}/a/b:v1`;
  const pull = () => engine.engine.pull(scope, at(reference), pullOptions(reference));
  second = async () => ({ allowed: false, reason: 'not signed' });
  const said = await pull().then(String, String);
  expect(said).toContain(
    `blocking pull of ${reference} with digest ${image.manifest.digest}: image verifier second rejected image with reason: not signed`,
  );
  second = () => Promise.reject(new Error('broken'));
  expect(await pull().then(String, String)).toContain('image verifier second returned error: broken');
  const content: string[] = [];
  for await (const { digest } of engine.metadata.content.walk(scope)) content.push(digest);
  expect([content, await engine.metadata.images.list(scope)]).toEqual([[], []]);
  expect(await faultOf(pull())).not.toBe('none');
  second = async () => ({ allowed: true, reason: 'fine' });
  expect((await pull()).name).toBe(reference);
  expect(new Set(asked.map(String))).toEqual(new Set([`${reference},${image.manifest.digest}`]));
});

test('one tag may bring several names, and prefixes bring the digest', async () => {
  await using registry = await FakeRegistry.start();
  await using engine = await openTestEngine();
  const image = sampleImage([sampleLayer({ a: 'b' })]);
  publish(registry, 'a/b', 'v1', image);
  const reference = `${registry.host}/a/b:v1`;
  const none = { isPrefix: false, allowOverwrite: false, addDigest: false, skipNamedDigest: false };
  const prefix = { ...none, name: 'pre/fix', isPrefix: true, addDigest: true };
  await engine.engine.pull(scope, at(reference), pullOptions(reference, { names: [prefix] }));
  const names = async () => (await engine.metadata.images.list(scope)).map(({ name }) => name);
  const byDigest = `pre/fix@${image.manifest.digest}`;
  expect(await names()).toEqual([reference, byDigest].sort());
  await engine.engine.tag(scope, reference, { name: 'x/y:1', labels: {} }, [{ ...none, name: 'x/y:2' }]);
  expect(await names()).toEqual([reference, byDigest, 'x/y:1', 'x/y:2'].sort());
});
