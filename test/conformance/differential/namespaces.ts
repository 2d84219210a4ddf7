import { Namespaces } from '#api/services/namespaces/v1/namespace_pb';
import { type Step, step } from './call.ts';
import { bigValue, long } from './names.ts';

const { create, delete: remove, get, list, update } = Namespaces.method;

export const namespaces: readonly Step[] = [
  step('without a namespace', create, {}),
  step('without a name', create, { namespace: {} }),
  step('a malformed name', create, { namespace: { name: '../etc' } }),
  step('a name of 76', create, { namespace: { name: long.slice(1) } }),
  step('a name of 77', create, { namespace: { name: long } }),
  step(
    'good',
    create,
    { namespace: { name: 'one', labels: { a: 'b', empty: '' } } },
    { ours: { code: 0, because: 'a label without a value is none, in the answer too' } },
  ),
  step('a second time', create, { namespace: { name: 'one' } }),
  step('a label that is too big', create, { namespace: { name: 'two', labels: { key: bigValue } } }),
  step(
    'without a header',
    create,
    { namespace: { name: 'three' } },
    {
      namespace: null,
      ours: { code: 0, because: 'a namespace is in none; theirs makes it and then fails to publish the event' },
    },
  ),
  step('good', get, { name: 'one' }),
  step('missing', get, { name: 'gone' }),
  step('without a name', get, { name: '' }, { ours: { code: 3, because: 'no namespace can have that name' } }),
  step('malformed', get, { name: 'a//b' }, { ours: { code: 3, because: 'no namespace can have that name' } }),
  step('all', list, {}),
  step('a filter', list, { filter: 'name==one' }),
  step('a bad filter', list, { filter: 'name==' }),
  step(
    'labels of one',
    update,
    { namespace: { name: 'one', labels: { c: 'd' } } },
    { ours: { code: 0, because: 'the answer is the namespace and not an empty one' } },
  ),
  step('what it is then', get, { name: 'one' }),
  step(
    'one label',
    update,
    { namespace: { name: 'one', labels: { e: 'f', g: 'h' } }, updateMask: { paths: ['labels.e'] } },
    { ours: { code: 0, because: 'the answer is the namespace and not an empty one' } },
  ),
  step(
    'one label away',
    update,
    { namespace: { name: 'one' }, updateMask: { paths: ['labels.c'] } },
    { ours: { code: 0, because: 'the answer is the namespace and not an empty one' } },
  ),
  step('what it is then', get, { name: 'one' }),
  step('all', list, {}),
  step(
    'all labels',
    update,
    { namespace: { name: 'one', labels: { x: 'y' } }, updateMask: { paths: ['labels'] } },
    { ours: { code: 0, because: 'the mask means what it means everywhere else' } },
  ),
  step('a mask of nothing known', update, {
    namespace: { name: 'one', labels: { e: 'f' } },
    updateMask: { paths: ['name'] },
  }),
  step(
    'without a namespace',
    update,
    {},
    { ours: { code: 3, because: 'theirs changes nothing and says that it did' } },
  ),
  step(
    'missing',
    update,
    { namespace: { name: 'gone', labels: { a: 'b' } } },
    { ours: { code: 0, because: 'the answer is the namespace and not an empty one; both make it' } },
  ),
  step(
    'malformed',
    update,
    { namespace: { name: '-', labels: { a: 'b' } } },
    { ours: { code: 3, because: 'theirs makes a namespace that no call can be in' } },
  ),
  step(
    'too big a label',
    update,
    { namespace: { name: 'one', labels: { a: bigValue } } },
    { ours: { code: 3, because: 'the class of the error is the code' } },
  ),
  step('missing', remove, { name: 'gone' }),
  step('without a name', remove, { name: '' }),
  step('good', remove, { name: 'one' }),
  step('again', remove, { name: 'one' }),
];
