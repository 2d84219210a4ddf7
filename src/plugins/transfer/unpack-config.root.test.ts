import { expect, test } from 'bun:test';
import { notImplemented } from '#base/errors';
import { scopeOf } from '#core/scope';
import { faultOf } from '#core/subject';
import { defaultPlatform } from '#lib/platform';
import { FakeRegistry } from '#test/support/fake-registry';
import { publish, sampleImage, sampleLayer } from '#test/support/sample-image';
import { at, openTestEngine, pullOptions } from './engine.fixture.ts';

const scope = scopeOf('test');

test('the configuration says where images of a platform are unpacked, and which differ is asked first', async () => {
  await using registry = await FakeRegistry.start();
  publish(registry, 'a/b', 'v1', sampleImage([sampleLayer({ a: 'b' })]));
  const reference = `${registry.host}/a/b:v1`;
  const asked: string[] = [];
  const refuse = async () => {
    asked.push('asked');
    throw notImplemented('of no type');
  };
  const differ = { apply: refuse, compare: refuse };
  const other = { platform: { os: 'plan9', architecture: 'mips' }, snapshotter: 'nowhere' };
  const ours = { platform: defaultPlatform(), snapshotter: 'overlayfs', differ };
  // Without the rule the default would be one that does not exist.
  for (const [unpackConfig, outcome] of [
    [[other, ours], 'none'],
    [[other], 'invalid_argument'],
  ] as const) {
    await using engine = await openTestEngine({ unpackConfig, defaultSnapshotter: 'missing' });
    expect(await faultOf(engine.engine.pull(scope, at(reference), pullOptions(reference)))).toBe(outcome);
  }
  expect(asked).toEqual(['asked']);
});
