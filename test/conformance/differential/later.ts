import { Containers } from '#api/services/containers/v1/containers_pb';
import { Images } from '#api/services/images/v1/images_pb';
import { Introspection } from '#api/services/introspection/v1/introspection_pb';
import { Snapshots } from '#api/services/snapshots/v1/snapshots_pb';
import { StreamInitSchema, Streaming } from '#api/services/streaming/v1/streaming_pb';
import { Transfer } from '#api/services/transfer/v1/transfer_pb';
import { ImageStoreSchema } from '#api/types/transfer/imagestore_pb';
import { ImageExportStreamSchema, ImageImportStreamSchema } from '#api/types/transfer/importexport_pb';
import { OCIRegistrySchema } from '#api/types/transfer/registry_pb';
import { pack } from '#rpc/any';
import { type Step, step } from './call.ts';
import { helloDigest, manifest, missing } from './names.ts';

// Services and fields that containerd 1.6 does not have.

const { transfer } = Transfer.method;
const { plugins, pluginInfo, server } = Introspection.method;
const target = { mediaType: manifest, digest: helloDigest, size: 12n };
const unknown = { typeUrl: 'nobody.knows/This', value: Buffer.from('x') };
const store = (name: string) => pack(ImageStoreSchema, { name });
const registry = (reference: string) => pack(OCIRegistrySchema, { reference });
const exportTo = (stream: string) => pack(ImageExportStreamSchema, { stream });
const importFrom = (stream: string) => pack(ImageImportStreamSchema, { stream });
const init = (id: string) => pack(StreamInitSchema, { id });
const own = { ours: { code: 0, because: 'each tells of itself' } };
const as = (code: number, because: string) => ({ ours: { code, because } });
const classed = (code: number) => as(code, 'the class of the error is the code; theirs is "unknown"');
const unheard = as(12, 'nothing goes from or to such a thing; theirs is "unknown", of a type that is not found');
const bad = classed(3);

const transfers: readonly Step[] = [
  step('no header', transfer, { source: store('a'), destination: store('b') }, { namespace: null }),
  step('nothing', transfer, {}, unheard),
  step('no destination', transfer, { source: store('a') }, unheard),
  step('no source', transfer, { destination: store('a') }, unheard),
  step('an unknown source', transfer, { source: unknown, destination: store('a') }, unheard),
  step('an unknown destination', transfer, { source: store('a'), destination: unknown }, unheard),
  step(
    'a malformed source',
    transfer,
    {
      source: { ...store('a'), value: Buffer.from([255]) },
      destination: store('b'),
    },
    bad,
  ),
  step('between registries', transfer, { source: registry('localhost/a:b'), destination: registry('localhost/c:d') }),
  step(
    'from a stream to a stream',
    transfer,
    { source: importFrom('x'), destination: exportTo('y') },
    as(12, 'the kind of transfer is looked at before the streams'),
  ),
  step('a tag of an image that is not there', transfer, { source: store('gone'), destination: store('b') }),
  step('for a tag', Images.method.create, { image: { name: 'tagged', target } }),
  step('a tag', transfer, { source: store('tagged'), destination: store('again') }),
  step('a tag that is there', transfer, { source: store('tagged'), destination: store('again') }),
  step(
    'a tag without a name',
    transfer,
    { source: store('tagged'), destination: store('') },
    as(3, 'no image can have that name'),
  ),
  step('what there is', Images.method.list, { filters: ['name~=^(tagged|again)$'] }),
  step('a push of an image that is not there', transfer, {
    source: store('gone'),
    destination: registry('localhost:1/a:b'),
  }),
  step('a push to nobody', transfer, { source: store('tagged'), destination: registry('127.0.0.1:1/a:b') }),
  step('a pull from nobody', transfer, { source: registry('127.0.0.1:1/a:b'), destination: store('a') }, classed(14)),
  step('a pull of a malformed reference', transfer, { source: registry('///'), destination: store('a') }, bad),
  step('a pull of no reference', transfer, { source: registry(''), destination: store('a') }, bad),
  step('an export to a stream that is not there', transfer, { source: store('tagged'), destination: exportTo('gone') }),
  step('an import from a stream that is not there', transfer, { source: importFrom('gone'), destination: store('a') }),
  step('progress to a stream that is not there', transfer, {
    source: store('tagged'),
    destination: store('again'),
    options: { progressStream: 'gone' },
  }),
];

const streams: readonly Step[] = [
  step('no header', Streaming.method.stream, init('s'), {
    namespace: null,
    ...as(9, 'a stream is for calls of its namespace only'),
  }),
  step('no name', Streaming.method.stream, init(''), as(3, 'no call could refer to it')),
  step('something else first', Streaming.method.stream, unknown, bad),
];

const introspection: readonly Step[] = [
  step('one', plugins, { filters: ['type==io.containerd.service.v1,id==images-service'] }, own),
  step('by type', plugins, { filters: ['type==io.containerd.metadata.v1'] }, own),
  step('by nothing known', plugins, { filters: ['nonsense==x'] }),
  step('of itself', server, {}, own),
  step('nothing', pluginInfo, {}),
  step('one that is not there', pluginInfo, { type: 'io.containerd.nonsense.v1', id: 'x' }),
  step('no id', pluginInfo, { type: 'io.containerd.runtime.v2' }),
  step('one that tells nothing', pluginInfo, { type: 'io.containerd.content.v1', id: 'content' }, own),
  step('the shims', pluginInfo, { type: 'io.containerd.runtime.v2', id: 'task' }, own),
  step(
    'options of no known type',
    pluginInfo,
    { type: 'io.containerd.runtime.v2', id: 'task', options: unknown },
    classed(12),
  ),
];

const fields: readonly Step[] = [
  step('a delete of another target', Images.method.delete, {
    name: 'tagged',
    target: { ...target, digest: missing },
  }),
  step('a delete of this target', Images.method.delete, { name: 'tagged', target }),
  step('the other', Images.method.delete, { name: 'again', sync: true }),
  step('in a sandbox that is not there', Containers.method.create, {
    container: {
      id: 'boxed',
      sandbox: 'nowhere',
      runtime: { name: 'io.containerd.runc.v2' },
      spec: { typeUrl: 'x', value: Buffer.from('{}') },
    },
  }),
  step('by sandbox', Containers.method.list, { filters: ['sandbox_id==nowhere'] }),
  step('its end', Containers.method.delete, { id: 'boxed' }),
  step('of an unknown snapshotter', Snapshots.method.cleanup, { snapshotter: 'nobody' }),
];

export const later: readonly Step[] = [...transfers, ...streams, ...introspection, ...fields];
