import { Containers } from '#api/services/containers/v1/containers_pb';
import { Diff } from '#api/services/diff/v1/diff_pb';
import { Events } from '#api/services/events/v1/events_pb';
import { Introspection } from '#api/services/introspection/v1/introspection_pb';
import { Tasks } from '#api/services/tasks/v1/tasks_pb';
import { type Step, step } from './call.ts';
import { helloDigest, missing } from './names.ts';

const spec = { typeUrl: 'types.containerd.io/opencontainers/runtime-spec/1/Spec', value: Buffer.from('{}') };
const { create, checkpoint, closeIO, delete: remove, deleteProcess, exec, get, kill, list, listPids } = Tasks.method;
const { metrics, pause, resizePty, resume, start, update, wait } = Tasks.method;

const ofContainer = (containerId: string): readonly Step[] => [
  step('of it', start, { containerId }),
  step('of it', remove, { containerId }),
  step('of it', deleteProcess, { containerId, execId: 'e' }),
  step('of it', get, { containerId }),
  step('of an exec', get, { containerId, execId: 'e' }),
  step('of it', kill, { containerId, signal: 9 }),
  step('of it', exec, { containerId, execId: 'e', spec }),
  step('without an id', exec, { containerId, spec }),
  step('of it', resizePty, { containerId, width: 1, height: 1 }),
  step('of it', closeIO, { containerId, stdin: true }),
  step('of it', pause, { containerId }),
  step('of it', resume, { containerId }),
  step('of it', listPids, { containerId }),
  step('of it', checkpoint, { containerId }),
  step('of it', update, { containerId }),
  step('of it', wait, { containerId }),
];

export const tasks: readonly Step[] = [
  step('no header', list, {}, { namespace: null }),
  step('no header', get, { containerId: 'c' }, { namespace: null }),
  step('of no container', create, { containerId: 'gone' }),
  step('without a container', create, { containerId: '' }),
  ...ofContainer('gone'),
  step('a container', Containers.method.create, {
    container: { id: 'c', runtime: { name: 'io.containerd.nope.v2' }, spec },
  }),
  ...ofContainer('c'),
  step('without an exec', deleteProcess, { containerId: 'c' }, { ours: { code: 3, because: 'nothing was named' } }),
  step(
    'with a runtime that is not there',
    create,
    { containerId: 'c' },
    { ours: { code: 5, because: 'the class of the error is the code' } },
  ),
  step(
    'with a checkpoint that is none',
    create,
    { containerId: 'c', checkpoint: { mediaType: 'nonsense', digest: missing, size: 1n } },
    { ours: { code: 3, because: 'the class of the error is the code' } },
  ),
  step('a container', Containers.method.create, { container: { id: 'd', runtime: { name: 'nonsense' }, spec } }),
  step(
    'with a runtime that has no such name',
    create,
    { containerId: 'd' },
    { ours: { code: 3, because: 'the class of the error is the code' } },
  ),
  step('none', list, {}),
  step('none', metrics, {}),
  step(
    'a bad filter',
    metrics,
    { filters: ['id=='] },
    { ours: { code: 3, because: 'the class of the error is the code' } },
  ),
];

export const others: readonly Step[] = [
  step('missing', Diff.method.apply, {
    diff: { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: missing, size: 1n },
  }),
  step(
    'a bad digest',
    Diff.method.apply,
    { diff: { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: 'x', size: 1n } },
    { ours: { code: 3, because: 'it is no digest' } },
  ),
  step(
    'an unknown type',
    Diff.method.apply,
    { diff: { mediaType: 'text/plain', digest: helloDigest, size: 1n } },
    {
      ours: { code: 12, because: 'the type is looked at before the content' },
    },
  ),
  step(
    'no header',
    Diff.method.apply,
    { diff: { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: missing, size: 1n } },
    { namespace: null },
  ),
  step('an unknown type', Diff.method.diff, { mediaType: 'text/plain' }),
  step('no header', Diff.method.diff, {}, { namespace: null }),
  step('no header', Events.method.publish, { topic: '/a/b', event: spec }, { namespace: null }),
  step('no topic', Events.method.publish, { topic: '', event: spec }),
  step('a topic without a slash', Events.method.publish, { topic: 'a', event: spec }),
  step('an empty part', Events.method.publish, { topic: '/a//b', event: spec }),
  step('only a slash', Events.method.publish, { topic: '/', event: spec }),
  step('an odd topic', Events.method.publish, { topic: '/a b', event: spec }),
  step('good', Events.method.publish, { topic: '/a/b', event: spec }),
  step('no time', Events.method.forward, { envelope: { namespace: 'ns', topic: '/a', event: spec } }),
  step('no namespace', Events.method.forward, { envelope: { timestamp: { seconds: 5n }, topic: '/a', event: spec } }),
  step('a bad namespace', Events.method.forward, {
    envelope: { timestamp: { seconds: 5n }, namespace: '/', topic: '/a', event: spec },
  }),
  step('a bad topic', Events.method.forward, {
    envelope: { timestamp: { seconds: 5n }, namespace: 'ns', topic: 'a', event: spec },
  }),
  step('good', Events.method.forward, {
    envelope: { timestamp: { seconds: 5n }, namespace: 'ns', topic: '/a', event: spec },
  }),
  step(
    'a bad filter',
    Events.method.subscribe,
    { filters: ['topic=='] },
    {
      ours: { code: 3, because: 'the class of the error is the code' },
    },
  ),
  step('a bad filter', Introspection.method.plugins, { filters: ['id=='] }),
  step('nothing', Introspection.method.plugins, { filters: ['id==nothing'] }),
];
