import { Images } from '#api/services/images/v1/images_pb';
import { Namespaces } from '#api/services/namespaces/v1/namespace_pb';
import { type Step, step } from './call.ts';
import { bigValue, helloDigest, long, manifest, missing } from './names.ts';

const { create, delete: remove, get, list, update } = Images.method;
const target = { mediaType: manifest, digest: helloDigest, size: 12n, annotations: { x: 'y' } };
const other = { mediaType: 'other', digest: missing, size: 3n };

export const images: readonly Step[] = [
  step('no header', list, {}, { namespace: null }),
  step('a malformed header', create, { image: { name: 'a', target } }, { namespace: '_' }),
  step('nothing', create, {}),
  step('no name', create, { image: { target } }),
  step('no target', create, { image: { name: 'a' } }),
  step('a bad digest', create, { image: { name: 'a', target: { ...target, digest: 'sha256:12' } } }),
  step('an unknown algorithm', create, {
    image: { name: 'a', target: { ...target, digest: 'md5:d41d8cd98f00b204e9800998ecf8427e' } },
  }),
  step('no size', create, { image: { name: 'a', target: { ...target, size: 0n } } }),
  step('a negative size', create, { image: { name: 'a', target: { ...target, size: -1n } } }),
  step('no media type', create, { image: { name: 'a', target: { ...target, mediaType: '' } } }),
  step('too big a label', create, { image: { name: 'a', target, labels: { key: bigValue } } }),
  step('good', create, { image: { name: 'a', target, labels: { k: 'v', empty: '' }, createdAt: { seconds: 5n } } }),
  step('again', create, { image: { name: 'a', target } }),
  step('with a lease that is not there', create, { image: { name: 'b', target } }, { lease: 'gone' }),
  step('an odd name', create, { image: { name: 'a b/../\u00e9', target } }),
  step('good', get, { name: 'a' }),
  step('missing', get, { name: 'gone' }),
  step('no name', get, { name: '' }),
  step('all', list, {}),
  step('by name', list, { filters: ['name==a'] }),
  step('by digest', list, { filters: [`target.digest==${helloDigest}`] }),
  step('by media type', list, { filters: ['target.mediatype~=manifest'] }),
  step('by label', list, { filters: ['labels.k==v'] }),
  step('by an unknown field', list, { filters: ['nonsense==a'] }),
  step('a bad filter', list, { filters: ['name~='] }),
  step('labels by the whole', update, {
    image: { name: 'a', target, labels: { n: 'm' } },
    updateMask: { paths: ['labels'] },
  }),
  step('one label', update, {
    image: { name: 'a', target, labels: { o: 'p', q: 'r' } },
    updateMask: { paths: ['labels.o'] },
  }),
  step('one away', update, { image: { name: 'a', target }, updateMask: { paths: ['labels.n'] } }),
  step('the target', update, { image: { name: 'a', target: other }, updateMask: { paths: ['target'] } }),
  step('part of the target', update, { image: { name: 'a', target }, updateMask: { paths: ['target.digest'] } }),
  step('annotations', update, {
    image: { name: 'a', target: { ...target, annotations: { z: '1' } } },
    updateMask: { paths: ['annotations'] },
  }),
  step('an unknown field', update, { image: { name: 'a', target }, updateMask: { paths: ['name'] } }),
  step('known and unknown', update, {
    image: { name: 'a', labels: { bad: '1' } },
    updateMask: { paths: ['labels.bad', 'nonsense'] },
  }),
  step('what it is then', get, { name: 'a' }),
  step('the whole', update, { image: { name: 'a', target, labels: { all: 'new' } } }),
  step('the whole with a bad target', update, { image: { name: 'a', target: { ...target, size: 0n } } }),
  step('no name', update, { image: { target } }),
  step('nothing', update, {}),
  step('missing', update, { image: { name: 'gone', target } }),
  step('missing, with a mask', update, {
    image: { name: 'gone', labels: { a: 'b' } },
    updateMask: { paths: ['labels'] },
  }),
  step('too big a label', update, { image: { name: 'a', target, labels: { key: bigValue } } }),
  step('what it is then', get, { name: 'a' }),
  step('of a namespace that is not empty', Namespaces.method.delete, { name: 'default' }),
  step('missing', remove, { name: 'gone' }),
  step('no name', remove, { name: '' }),
  step('good', remove, { name: 'a' }),
  step('in a namespace that does not exist', list, {}, { namespace: 'nowhere' }),
  step('in a namespace of 77', list, {}, { namespace: long }),
  step('and wait', remove, { name: 'a b/../\u00e9', sync: true }),
  step('none', list, {}),
];
