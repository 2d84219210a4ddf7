import { Containers } from '#api/services/containers/v1/containers_pb';
import { Tasks } from '#api/services/tasks/v1/tasks_pb';
import { run } from '../../support/daemon.ts';
import { type Step, type StepOptions, step } from './call.ts';

/** What the life of a task begins with: a container `c` of the image in the archive, whose task runs. @throws with what ctr said */
export async function beginTaskLife(address: string, namespace: string, archive: string, image: string): Promise<void> {
  const ctr = async (...args: readonly string[]) => {
    const { code, stderr } = await run('/usr/bin/ctr', ['-a', address, '-n', namespace, ...args]);
    if (code !== 0) throw new Error(`ctr ${args.join(' ')}: ${stderr}`);
  };
  await ctr('images', 'import', '--snapshotter', 'native', archive);
  await ctr('run', '-d', '--snapshotter', 'native', image, containerId, '/bin/sleep', '60');
}

const containerId = 'c';
const words = { args: ['/bin/sleep', '50'], cwd: '/', user: { uid: 0, gid: 0 }, env: ['PATH=/bin'] };
const spec = {
  typeUrl: 'types.containerd.io/opencontainers/runtime-spec/1/Process',
  value: Buffer.from(JSON.stringify(words)),
};
const limits = {
  typeUrl: 'types.containerd.io/opencontainers/runtime-spec/1/LinuxResources',
  value: Buffer.from('{"pids":{"limit":50}}'),
};
const nonsense = { typeUrl: 'x', value: Buffer.from('x') };
const { checkpoint, closeIO, create, delete: remove, deleteProcess, exec, get, kill, list, listPids } = Tasks.method;
const { pause, resizePty, resume, start, update, wait } = Tasks.method;

/** The calls of a task's life, in a namespace, after its begin; the last remove it and its container. */
export function taskLife(namespace: string): readonly Step[] {
  const at = (ours?: StepOptions['ours']): StepOptions => ({ namespace, ...(ours !== undefined && { ours }) });
  const invalid = at({ code: 3, because: 'the class of the error is the code' });
  return [
    step('of it', get, { containerId }, at()),
    step('of an exec that is not there', get, { containerId, execId: 'gone' }, at()),
    step('there already', create, { containerId }, at()),
    step('started already', start, { containerId }, at()),
    step('an exec that is not there', start, { containerId, execId: 'gone' }, at()),
    step('running', remove, { containerId }, at()),
    step('an exec that is not there', deleteProcess, { containerId, execId: 'gone' }, at()),
    step('no exec', deleteProcess, { containerId }, invalid),
    step('with nothing', kill, { containerId, signal: 0 }, at()),
    step('with no signal', kill, { containerId, signal: 999 }, invalid),
    step('an exec that is not there', kill, { containerId, execId: 'gone', signal: 9 }, at()),
    step('a malformed id', exec, { containerId, execId: '../e', spec }, at()),
    step('good', exec, { containerId, execId: 'e', spec }, at()),
    step('again', exec, { containerId, execId: 'e', spec }, at()),
    step('of the exec', get, { containerId, execId: 'e' }, at()),
    step('the exec', start, { containerId, execId: 'e' }, at()),
    step('the exec again', start, { containerId, execId: 'e' }, at()),
    step('of the running exec', get, { containerId, execId: 'e' }, at()),
    step('without a terminal', resizePty, { containerId, width: 10, height: 10 }, at()),
    step('of it', closeIO, { containerId, stdin: true }, at()),
    step('of an exec that is not there', closeIO, { containerId, execId: 'gone', stdin: true }, at()),
    step('of it', pause, { containerId }, at()),
    step('again', pause, { containerId }, at()),
    step('paused', get, { containerId }, at()),
    step('paused', remove, { containerId }, at()),
    step('of it', resume, { containerId }, at()),
    step('again', resume, { containerId }, at()),
    step('of it', listPids, { containerId }, at()),
    step('with nonsense', update, { containerId, resources: nonsense }, invalid),
    step('good', update, { containerId, resources: limits }, at()),
    step('with nonsense', checkpoint, { containerId, options: nonsense }, invalid),
    step('the exec', kill, { containerId, execId: 'e', signal: 9 }, at()),
    step('for the exec', wait, { containerId, execId: 'e' }, at()),
    step('the ended exec', kill, { containerId, execId: 'e', signal: 9 }, at()),
    step('the ended exec', start, { containerId, execId: 'e' }, at()),
    step('the ended exec', deleteProcess, { containerId, execId: 'e' }, at()),
    step('the ended exec again', deleteProcess, { containerId, execId: 'e' }, at()),
    step('all', kill, { containerId, signal: 9, all: true }, at()),
    step('for it', wait, { containerId }, at()),
    step('for an exec that is not there', wait, { containerId, execId: 'x' }, at()),
    step('stopped', get, { containerId }, at()),
    step('the stopped one', kill, { containerId, signal: 9 }, at()),
    step('the stopped one', start, { containerId }, at()),
    step('in the stopped one', exec, { containerId, execId: 'z', spec }, at()),
    step('the stopped one', pause, { containerId }, at()),
    step('all', list, {}, at()),
    step('of the stopped one', listPids, { containerId }, at()),
    step('it', remove, { containerId }, at({ code: 0, because: 'the id is told, as for an exec' })),
    step('it again', remove, { containerId }, at()),
    step('none', list, {}, at()),
    step('the record', Containers.method.delete, { id: containerId }, at()),
  ];
}
