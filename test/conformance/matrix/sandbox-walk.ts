import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Controller, Store } from '#api/services/sandbox/v1/sandbox_pb';
import { classOf } from '#base/errors';
import { type Client, openClient } from '#client/client';
import { type Scope, scopeOf } from '#core/scope';
import { clientOf, withScope } from '#rpc/grpc-client';
import { run, startDaemon } from '#test/support/daemon';
import { forgetNamespace, processesNaming } from '#test/support/nothing-left';
import { PeerContainerd } from '#test/support/peer-containerd';
import { emptySpec, noOptions, sandboxRecord } from '#test/support/sandbox-rig';
import { berth, type Daemon, type Programs, programsWith, shimName, unstable, type Walked } from './walk.ts';

/** What was asked, and the answer, in words that do not vary from run to run. */
type Transcript = ReadonlyMap<string, string>;

/** Where ours answers otherwise than containerd 2.1, on purpose; docs/decisions says why. */
const otherwise: ReadonlyMap<string, readonly [theirs: string, ours: string]> = new Map([
  ['start of nobody', ['!unknown', '!not_found']],
  ['update of nobody', ['{}', '!not_found']],
  ['update without a sandbox', ['!unknown', '!invalid_argument']],
  ['create without a runtime', ['!unknown', '!invalid_argument']],
  ['create with a runtime that is not there', ['!unknown', '!not_found']],
  ['platform', ['!not_implemented', '{"platform":{"architecture":"amd64","os":"linux","osFeatures":[]}}']],
  ['platform of nobody', ['!not_implemented', '!not_found']],
  ['store: an extension without a name', ['!unknown', '!invalid_argument']],
  ['store: delete ', ['!unknown', '!not_found']],
  // Theirs does not tell where the tasks are served.
  ...['status', 'status before the start', 'status after the stop', 'start', 'start again'].map(
    (label): [string, [string, string]] => [label, ['ADDRESS', 'ADDRESS']],
  ),
]);

/** The same calls to containerd 2.1 and to ours, both with our shim: the answers must be the same. */
export async function walkSandboxes(): Promise<Walked> {
  using programs = programsWith(berth);
  await using theirs = await PeerContainerd.start({ bin: unstable.bin, path: [programs.bin], cri: true });
  await using ours = await startDaemon({ built: true, executable: join(programs.bin, 'containerd') });
  const [wanted, got] = [await askAll(theirs.address), await askAll(ours.address)];
  const checks: Check[] = [...wanted.keys()].map((label) => compare(label, wanted.get(label), got.get(label)));
  checks.push(['as many answers', wanted.size === got.size, `${wanted.size} and ${got.size}`]);
  checks.push(...(await askCtr(theirs, ours)));
  return walked(checks);
}

/** A shim of containerd 2.1 is no sandbox: that must be said, and leave nothing. */
export async function walkForeignShim(shim: Programs = unstable): Promise<Walked> {
  using programs = programsWith(shim);
  await using daemon = await startDaemon({ built: true, executable: join(programs.bin, 'containerd') });
  await using client = openClient(daemon.address);
  const scope = scopeOf(`walk-${randomUUID().slice(0, 8)}`);
  const create = client
    .sandboxController('shim')
    .create(scope, sandboxRecord('box', join(programs.bin, shimName)), noOptions);
  const fault = await create.then(() => 'none', classOf);
  const left = processesNaming(daemon.directory, process.pid).filter((line) => line.includes(shimName));
  const { state } = await client.sandboxController('shim').status(scope, 'box', 'brief');
  forgetNamespace(scope.namespace);
  return walked([
    ['create', fault === 'not_implemented', fault],
    ['no shim is left', left.length === 0, left.join('; ')],
    ['no sandbox is left', state === '', state],
  ]);
}

type Check = readonly [label: string, good: boolean, details: string];

const walked = (checks: readonly Check[]): Walked => ({
  succeeded: checks.filter(([, good]) => good).length,
  failed: checks.filter(([, good]) => !good).map(([label, , details]) => `${label}: ${details}`),
});

function compare(label: string, theirs = 'nothing', ours = 'nothing'): Check {
  const [expected = theirs, wanted = theirs] = otherwise.get(label) ?? [];
  const [a, b] = expected === 'ADDRESS' ? [withoutPlace(theirs), withoutPlace(ours)] : [expected, wanted];
  if (expected === 'ADDRESS') return [label, a === b, `theirs ${a}, ours ${b}`];
  return [label, theirs === expected && ours === wanted, `theirs ${theirs}, ours ${ours}`];
}

const withoutPlace = (answer: string): string =>
  JSON.stringify({ ...(JSON.parse(answer) as object), address: undefined, version: undefined });

async function askAll(address: string): Promise<Transcript> {
  await using client = openClient(address);
  const scope = scopeOf(`walk-${randomUUID().slice(0, 8)}`);
  const transcript = new Map<string, string>();
  const ask = async (label: string, work: () => Promise<unknown>): Promise<void> => {
    const answer = await work().then(shown, (thrown: unknown) => `!${classOf(thrown)}`);
    transcript.set(label, answer);
  };
  await using events = watch(client, scope);
  await askStore(client, scope, ask);
  await askController(client, scope, ask);
  // Theirs tells an end as often as somebody waits, and calls the sandbox a task when it takes it away.
  const told = [...new Set(events.seen)].filter((topic) => topic.startsWith('/sandboxes/'));
  transcript.set('what subscribers hear', told.join(' '));
  forgetNamespace(scope.namespace);
  return transcript;
}

type Ask = (label: string, work: () => Promise<unknown>) => Promise<void>;

async function askStore({ transport }: Client, scope: Scope, ask: Ask): Promise<void> {
  const [store, meta] = [clientOf(Store, transport), withScope(scope)];
  const any = { typeUrl: 'a', value: Buffer.from('b') };
  // Theirs takes for granted that all of these are there.
  const record = (sandboxId: string, more: object = {}) => ({
    ...{ sandboxId, runtime: { name: 'r', options: any }, spec: any, sandboxer: 'shim' },
    ...more,
  });
  const create = (label: string, sandboxId: string, more?: object) =>
    ask(`store: ${label}`, () => store.create({ sandbox: record(sandboxId, more) }, meta));
  const update = (label: string, fields: readonly string[], more: object, sandboxId = 'a') =>
    ask(`store: ${label}`, () => store.update({ sandbox: record(sandboxId, more), fields: [...fields] }, meta));
  for (const id of ['', '-', 'a/b', 'x'.repeat(77)]) await create(`create ${JSON.stringify(id)}`, id);
  await create('create', 'a', { labels: { k: 'v', l: 'w' }, extensions: { e: any, f: any } });
  await create('create again', 'a');
  await create('an extension without a name', 'b', { extensions: { '': any } });
  await create('create another', 'c', { labels: { k: 'x' } });
  for (const id of ['a', 'c', 'nobody', '']) await ask(`store: get ${id}`, () => store.get({ sandboxId: id }, meta));
  await update('update a label', ['labels.n'], { labels: { n: '1' } });
  await update('update takes a label', ['labels.k'], {});
  await update('update labels', ['labels'], { labels: { only: '1' } });
  await update('update an extension', ['extensions.g'], { extensions: { g: any } });
  await update('update the runtime', ['runtime'], { runtime: { name: 'other', options: any } });
  await update('update the spec', ['spec'], { spec: { typeUrl: 'x', value: Buffer.from('y') } });
  for (const field of ['sandboxer', 'id', 'sandbox_id', 'x']) await update(`update ${field}`, [field], {});
  await update('update all with another runtime', [], { runtime: { name: 'third', options: any } });
  await update('update all', [], { runtime: { name: 'other', options: any }, labels: { z: '1' } });
  await update('update of nobody', ['labels'], {}, 'nobody');
  const filters = [
    '',
    'id==a',
    'labels.z',
    'labels.k==x',
    'labels.z!=1',
    'id~=^[ac]$',
    'runtime.name==other',
    'sandboxer==shim',
    '~',
  ];
  for (const filter of filters) {
    await ask(`store: list ${filter}`, async () => {
      const { list } = await store.list({ filters: filter === '' ? [] : [filter] }, meta);
      return list.map(({ sandboxId }) => sandboxId);
    });
  }
  for (const id of ['a', 'a', 'c', '']) await ask(`store: delete ${id}`, () => store.delete({ sandboxId: id }, meta));
}

async function askController({ transport }: Client, scope: Scope, ask: Ask): Promise<void> {
  const [controller, meta] = [clientOf(Controller, transport), withScope(scope)];
  const at = (sandboxId: string, sandboxer = 'shim') => ({ sandboxId, sandboxer });
  const record = (sandboxId: string, name: string) => ({ sandboxId, runtime: { name, options: {} }, spec: emptySpec });
  const create = (label: string, sandboxId: string, runtime = 'io.containerd.runc.v2') =>
    ask(label, () => controller.create({ ...at(sandboxId), sandbox: record(sandboxId, runtime) }, meta));
  for (const method of ['create', 'start', 'stop', 'wait', 'status', 'shutdown', 'metrics', 'update'] as const) {
    for (const sandboxer of ['', 'other']) {
      await ask(`${method} by "${sandboxer}"`, () => controller[method](at('nobody', sandboxer), meta));
    }
  }
  for (const method of ['start', 'stop', 'wait', 'shutdown', 'metrics', 'platform'] as const) {
    await ask(`${method} of nobody`, () => controller[method](at('nobody'), meta));
  }
  const update = (sandboxId: string) =>
    controller.update({ ...at(sandboxId), sandbox: record(sandboxId, 'r'), fields: ['labels'] }, meta);
  await ask('update of nobody', () => update('nobody'));
  await ask('status of nobody', async () => {
    const { state, pid, exitedAt } = await controller.status(at('nobody'), meta);
    return { state, pid, ended: Math.abs(Number(exitedAt?.seconds) - Date.now() / 1000) < 60 };
  });
  await create('create without a runtime', 'box', '');
  await create('create with a runtime that is not there', 'box', 'io.containerd.none.v1');
  await create('create with a bad id', 'a/b');
  await create('create', 'box');
  await create('create again', 'box');
  await ask('status before the start', () => controller.status(at('box'), meta));
  await ask('start', () => controller.start(at('box'), meta));
  await ask('status', () => controller.status(at('box'), meta));
  await ask('platform', () => controller.platform(at('box'), meta));
  await ask('metrics', () => controller.metrics(at('box'), meta));
  await ask('update', () => update('box'));
  await ask('update without a sandbox', () => controller.update(at('box'), meta));
  const wait = controller.wait(at('box'), meta);
  wait.catch(() => {});
  await ask('stop', () => controller.stop({ ...at('box'), timeoutSecs: 5 }, meta));
  await ask('wait', () => wait);
  await ask('stop again', () => controller.stop(at('box'), meta));
  await ask('status after the stop', () => controller.status(at('box'), meta));
  await ask('wait after the stop', () => controller.wait(at('box'), meta));
  await ask('shutdown', () => controller.shutdown(at('box'), meta));
  await ask('shutdown again', () => controller.shutdown(at('box'), meta));
}

/** containerd's ctr with both daemons: what it prints, and how it ends. */
async function askCtr(theirs: Pick<Daemon, 'address' | 'directory'>, ours: Pick<Daemon, 'address'>): Promise<Check[]> {
  const config = join(theirs.directory, 'pod.json');
  await Bun.write(config, '{}');
  const namespace = `walk-${randomUUID().slice(0, 8)}`;
  const commands = [
    ['run', config, 'one'],
    ['run', config, 'one'],
    ['run', config, 'a/b'],
    ['ls'],
    ['list', '--filters', 'id==nobody'],
    ['rm', 'nobody'],
    ['rm', '--force', 'one'],
  ];
  const checks: Check[] = [];
  for (const words of commands) {
    const [wanted, got] = await Promise.all(
      [theirs, ours].map(async ({ address }) => {
        const args = ['-a', address, '-n', namespace, 'sandboxes', ...words];
        const { code, stdout, stderr } = await run(join(unstable.bin, 'ctr'), args);
        return [code, lines(stdout), lines(stderr)].join(' | ');
      }),
    );
    checks.push([
      `ctr sandboxes ${words[0]} ${words.slice(1).at(-1) ?? ''}`,
      wanted === got,
      `theirs ${wanted}, ours ${got}`,
    ]);
  }
  for (const [words, wanted] of [
    [['run', config, 'two'], 'two'],
    [['ls'], 'ID CREATED RUNTIME \ntwo TIME io.containerd.runc.v2'],
    [['rm', 'two'], ''],
    [['ls'], 'ID CREATED RUNTIME'],
  ] as const) {
    const args = ['-a', theirs.address, '-n', namespace, 'sandboxes', ...words];
    const { code, stdout, stderr } = await run(join(berth.bin, 'ctr'), args);
    const good = code === 0 && lines(stdout) === wanted;
    checks.push([`our ctr sandboxes ${words[0]}`, good, `${code} ${lines(stdout)} ${stderr}`]);
  }
  forgetNamespace(namespace);
  return checks;
}

const classes = ['already exists', 'invalid argument', 'not found'];

/** Without times, and with an error's class for its words. */
const lines = (text: string): string =>
  text
    .replace(/time="[^"]*"/g, '')
    .replace(/\d{4}-\d\d-\d\d \S+ \+0000 UTC/g, 'TIME')
    .replace(/(error=|ctr: [^:]*: )(.*)/g, (_, head: string, words: string) => {
      return `${head}${classes.filter((each) => words.includes(each)).join()}`;
    })
    .replace(/ +/g, ' ')
    .trim();

function watch({ events }: Client, { namespace }: Scope): AsyncDisposable & { readonly seen: string[] } {
  const stop = new AbortController();
  const seen: string[] = [];
  const reading = (async () => {
    for await (const { topic } of events.subscribe(stop.signal, [`namespace==${namespace}`])) seen.push(topic);
  })();
  return {
    seen,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await reading.catch(() => {}); // canceled
    },
  };
}

/** An answer as JSON: no type names, any time that was told is `TIME`, what is empty or not told is left out. */
function shown(answer: unknown): string {
  const isTime = (value: unknown): value is { readonly seconds: bigint } =>
    typeof value === 'object' && value !== null && 'seconds' in value && 'nanos' in value;
  const plain = (key: string, value: unknown): unknown => {
    if (key === '$typeName' || value === '' || value === 0 || value === false) return undefined;
    if (value instanceof Uint8Array) return value.length === 0 ? undefined : Buffer.from(value).toString();
    if (isTime(value)) return value.seconds > 0n ? 'TIME' : undefined;
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      const inside = Object.entries(value).map(([name, each]) => [name, plain(name, each)] as const);
      const filled = inside.filter(([, each]) => each !== undefined).sort(([a], [b]) => (a < b ? -1 : 1));
      return filled.length === 0 && key !== '' ? undefined : Object.fromEntries(filled);
    }
    return value;
  };
  return JSON.stringify(plain('', answer));
}
