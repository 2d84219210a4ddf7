import { Containers } from '#api/services/containers/v1/containers_pb';
import { type Step, step } from './call.ts';
import { bigValue, long } from './names.ts';

const { create, delete: remove, get, list, listStream, update } = Containers.method;
const spec = {
  typeUrl: 'types.containerd.io/opencontainers/runtime-spec/1/Spec',
  value: Buffer.from('{ "ociVersion" : "1.0.0" }'),
};
const odd = { typeUrl: 'nobody.knows/This', value: Buffer.from([1, 2, 3]) };
const runtime = { name: 'io.containerd.runc.v2', options: odd };
const good = {
  id: 'c',
  runtime,
  spec,
  image: 'img',
  labels: { a: 'b', empty: '' },
  snapshotter: 'native',
  snapshotKey: 'k',
  extensions: { one: odd },
};
const change = (container: object, ...paths: string[]) => ({
  container: { id: 'c', ...container },
  updateMask: { paths },
});

export const containers: readonly Step[] = [
  step('no header', create, { container: good }, { namespace: null }),
  step('nothing', create, {}),
  step('no id', create, { container: { ...good, id: '' } }),
  step('an id of 77', create, { container: { ...good, id: long } }),
  step('a malformed id', create, { container: { ...good, id: '../c' } }),
  step('no runtime', create, { container: { id: 'c', spec } }),
  step('a runtime without a name', create, { container: { id: 'c', spec, runtime: {} } }),
  step('no spec', create, { container: { id: 'c', runtime } }),
  step('a snapshot without a snapshotter', create, { container: { id: 'c', runtime, spec, snapshotKey: 'k' } }),
  step('too big a label', create, { container: { ...good, labels: { key: bigValue } } }),
  step('an extension without a name', create, { container: { ...good, extensions: { '': odd } } }),
  step('good', create, { container: good }),
  step('again', create, { container: good }),
  step('the least', create, { container: { id: 'least', runtime: { name: 'r' }, spec } }),
  step('good', get, { id: 'c' }),
  step('the least', get, { id: 'least' }),
  step('missing', get, { id: 'gone' }),
  step('no id', get, { id: '' }),
  step('all', list, {}),
  step('by id', list, { filters: ['id==c'] }),
  step('by image', list, { filters: ['image==img'] }),
  step('by runtime', list, { filters: ['runtime.name~=runc'] }),
  step('by label', list, { filters: ['labels.a==b', 'labels.a==c'] }),
  step('a bad filter', list, { filters: ['id~=/'] }),
  step('all', listStream, {}),
  step('a bad filter', listStream, { filters: ['id~=/'] }),
  step('labels', update, change({ labels: { n: 'm' } }, 'labels')),
  step('one label', update, change({ labels: { o: 'p', q: 'r' } }, 'labels.o')),
  step('one away', update, change({}, 'labels.n')),
  step('the spec', update, change({ spec: odd }, 'spec')),
  step('no spec', update, change({}, 'spec')),
  step('the image', update, change({ image: 'other' }, 'image')),
  step('the key', update, change({ snapshotKey: 'k2' }, 'snapshotkey')),
  step('one extension', update, change({ extensions: { three: spec, four: odd } }, 'extensions.three')),
  step('runtime', update, change({ runtime: { name: 'x' } }, 'runtime')),
  step('snapshotter', update, change({ snapshotter: 'x' }, 'snapshotter')),
  step('an unknown field', update, change({}, 'nonsense')),
  step('then', get, { id: 'c' }),
  step('no mask', update, {
    container: { ...good, extensions: { one: odd, three: spec, two: spec }, labels: { fresh: '1' } },
  }),
  step('no mask and another runtime', update, { container: { ...good, runtime: { name: 'x' } } }),
  step('no mask and another snapshotter', update, { container: { ...good, snapshotter: 'x' } }),
  step('too big a label', update, change({ labels: { key: bigValue } }, 'labels')),
  step('missing', update, { container: { ...good, id: 'gone' } }),
  step('no id', update, { container: { ...good, id: '' } }),
  step('nothing', update, {}),
  step('then', get, { id: 'c' }),
  step('extensions', update, change({ extensions: { two: spec } }, 'extensions')),
  step('which it has then', get, { id: 'c' }, { ours: { code: 0, because: 'extensions that were replaced are gone' } }),
  step('missing', remove, { id: 'gone' }),
  step('no id', remove, { id: '' }),
  step('good', remove, { id: 'c' }),
  step('again', remove, { id: 'c' }),
];
