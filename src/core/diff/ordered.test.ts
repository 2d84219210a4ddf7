import { expect, test } from 'bun:test';
import { invalidArgument, notImplemented } from '#base/errors';
import type { Descriptor } from '#core/descriptor';
import { scopeOf } from '#core/scope';
import { faultOf } from '#core/subject';
import { digestOf } from '#lib/digest';
import type { Differ } from './diff.ts';
import { orderedDiffer } from './ordered.ts';

const scope = scopeOf('test');
const descriptor = (name: string): Descriptor => ({ mediaType: name, digest: digestOf(name), size: 1 });
const answering = (answer: Descriptor | Error): Differ => {
  const call = async () => {
    if (answer instanceof Error) throw answer;
    return answer;
  };
  return { apply: call, compare: call };
};

test('the first that can do it does it; one that fails otherwise ends the search', async () => {
  const cannot = answering(notImplemented('x'));
  const [one, two] = [answering(descriptor('one')), answering(descriptor('two'))];
  const apply = (differs: readonly Differ[]) => orderedDiffer(differs).apply(scope, descriptor('l'), []);
  expect((await apply([cannot, one, two])).mediaType).toBe('one');
  expect((await orderedDiffer([two, one]).compare(scope, [], [])).mediaType).toBe('two');
  expect(await faultOf(apply([answering(invalidArgument('bad')), one]))).toBe('invalid_argument');
  expect(await faultOf(apply([cannot, cannot]))).toBe('not_implemented');
  expect(await faultOf(apply([]))).toBe('not_implemented');
});

test('unpack is there when one has it', () => {
  const unpack = () => {
    throw new Error('not called');
  };
  expect(orderedDiffer([answering(descriptor('a'))]).unpack).toBeUndefined();
  expect(orderedDiffer([answering(descriptor('a')), { ...answering(descriptor('b')), unpack }]).unpack).toBeDefined();
});
