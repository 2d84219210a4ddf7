import { expect, test } from 'bun:test';
import { number, table } from '#base/config';
import { messageOf, notFound } from '#base/errors';
import { silent } from '#base/log';
import { type AnyPlugin, definePlugin, type PluginContext, SkipPlugin } from '#core/plugin/plugin';
import { type AnyNeed, every, maybe, one, type Slot, slot } from '#core/plugin/slot';
import { type GraphOptions, PluginGraph } from './graph.ts';

const A: Slot<string> = slot('test.a.v1');
const B: Slot<string> = slot('test.b.v1');

interface Made {
  readonly id: string;
  readonly in?: Slot<string>;
  readonly needs?: Readonly<Record<string, AnyNeed>>;
  readonly start?: (granted: Readonly<Record<string, unknown>>) => string;
}
const make = (made: Made): AnyPlugin =>
  definePlugin({
    slot: made.in ?? A,
    id: made.id,
    needs: made.needs ?? {},
    start: (_, granted) => made.start?.(granted as Readonly<Record<string, unknown>>) ?? made.id,
  });

function graphOf(plugins: readonly AnyPlugin[], options: Partial<GraphOptions> = {}): PluginGraph {
  const contextOf = ((_plugin, shown) => ({ config: {}, ...shown })) as GraphOptions['contextOf'];
  return new PluginGraph({ plugins, required: () => false, contextOf, log: silent, ...options });
}

async function started(plugins: readonly AnyPlugin[], options: Partial<GraphOptions> = {}) {
  const graph = graphOf(plugins, options);
  await graph.start(new AbortController().signal);
  return graph;
}

test('plugins start after what they need and are given it', async () => {
  const seen: unknown[] = [];
  const last = make({
    id: 'last',
    needs: { b: one(B), all: every(A), gone: maybe(slot('test.gone.v1')), x: one(A, 'x') },
    start: (granted) => {
      seen.push(granted);
      return 'last';
    },
    in: slot('test.c.v1'),
  });
  const graph = await started([
    last,
    make({ id: 'b', in: B, needs: { x: one(A, 'x') } }),
    make({ id: 'x' }),
    make({ id: 'y' }),
  ]);
  expect(graph.reports().map(({ id, status }) => [id, status])).toEqual([
    ['x', 'ok'],
    ['b', 'ok'],
    ['y', 'ok'],
    ['last', 'ok'],
  ]);
  expect(seen).toEqual([
    {
      b: 'b',
      all: new Map([
        ['x', 'x'],
        ['y', 'y'],
      ]),
      gone: undefined,
      x: 'x',
    },
  ]);
});

test('a plugin that fails or is skipped takes only those along that cannot do without it', async () => {
  const fails = make({
    id: 'fails',
    start: () => {
      throw notFound('tool');
    },
  });
  const skips = make({
    id: 'skips',
    in: B,
    start: () => {
      throw new SkipPlugin('no kernel support');
    },
  });
  const third: Slot<string> = slot('test.c.v1');
  const graph = await started([
    fails,
    skips,
    make({ id: 'tolerant', in: third, needs: { a: maybe(A), all: every(B) } }),
    make({ id: 'broken', in: third, needs: { a: one(A) } }),
    make({ id: 'skipped', in: third, needs: { b: one(B) } }),
    make({ id: 'lost', in: third, needs: { none: one(slot('test.none.v1'), 'z') } }),
  ]);
  expect(
    graph.reports().map(({ id, status, initError }) => [id, status, initError?.message, initError?.class]),
  ).toEqual([
    ['fails', 'error', 'tool: not found', 'not_found'],
    ['skips', 'skip', 'no kernel support: skip plugin', 'unknown'],
    ['tolerant', 'ok', undefined, undefined],
    ['broken', 'error', 'needs test.a.v1.fails: tool: not found', 'not_found'],
    ['skipped', 'skip', 'needs test.b.v1.skips: no kernel support: skip plugin', 'unknown'],
    ['lost', 'error', 'no plugin test.none.v1.z: not found', 'not_found'],
  ]);
});

test('a need that several plugins could fill must name one', async () => {
  const graph = await started([make({ id: 'x' }), make({ id: 'y' }), make({ id: 'z', in: B, needs: { a: one(A) } })]);
  expect(graph.reports().at(-1)?.initError?.message).toBe(
    'several plugins fill test.a.v1 (x, y) and the need names none: failed precondition',
  );
});

test('a loop is named', () => {
  const plugins = [
    make({ id: 'x', needs: { b: one(B) } }),
    make({ id: 'y', in: B, needs: { c: every(slot('test.c.v1')) } }),
    make({ id: 'z', in: slot('test.c.v1'), needs: { a: maybe(A) } }),
  ];
  expect(() => graphOf(plugins)).toThrow(
    'plugin loop: test.a.v1.x -> test.b.v1.y -> test.c.v1.z -> test.a.v1.x: failed precondition',
  );
});

test('two plugins of one name are refused', () => {
  expect(() => graphOf([make({ id: 'x' }), make({ id: 'x' })])).toThrow('two plugins are called test.a.v1.x');
});

test('a required plugin that does not start fails the whole', async () => {
  const plugin = make({
    id: 'x',
    start: () => {
      throw new SkipPlugin('not here');
    },
  });
  const graph = graphOf([plugin, make({ id: 'y' })], { required: ({ id }) => id === 'x' });
  const failure = await graph.start(new AbortController().signal).catch(messageOf);
  expect(failure).toBe('required plugin test.a.v1.x: not here: failed precondition');
  expect(graph.reports().map(({ status }) => status)).toEqual(['skip', 'waiting']);
});

test('wrong configuration is the failure of its plugin alone', async () => {
  const contextOf = (plugin: AnyPlugin) => {
    if (plugin.id === 'x') throw notFound('config');
    return {} as PluginContext<unknown>;
  };
  const graph = await started([make({ id: 'x' }), make({ id: 'y' })], { contextOf });
  expect(graph.reports().map(({ status }) => status)).toEqual(['error', 'ok']);
});

test('stopping disposes in reverse, and one that fails to stop does not keep the others', async () => {
  const stopped: string[] = [];
  const disposable = (id: string, needs: Readonly<Record<string, AnyNeed>>, fails = false) =>
    definePlugin({
      slot: slot<AsyncDisposable>(`test.${id}.v1`),
      id,
      needs,
      start: () => ({
        async [Symbol.asyncDispose]() {
          stopped.push(id);
          if (fails) throw notFound('handle');
        },
      }),
    });
  const sync = definePlugin({
    slot: slot<Disposable>('test.s.v1'),
    id: 's',
    start: () => ({ [Symbol.dispose]: () => void stopped.push('s') }),
  });
  const graph = await started([
    disposable('top', { m: one(slot('test.mid.v1')) }),
    disposable('mid', { s: one(slot('test.s.v1')) }, true),
    sync,
  ]);
  await graph[Symbol.asyncDispose]();
  expect(stopped).toEqual(['top', 'mid', 's']);
  expect(new Set(graph.reports().map(({ status }) => status))).toEqual(new Set(['stopped']));
});

test('what a plugin shows of itself is in its report', async () => {
  const plugin = definePlugin({
    slot: A,
    id: 'x',
    config: table({ n: number() }),
    exports: { fixed: '1' },
    needs: { b: every(B), c: maybe(B) },
    start({ setExport, setCapabilities, setPlatforms }) {
      setExport('root', '/x');
      setCapabilities(['remap-ids']);
      setPlatforms([{ os: 'linux', architecture: 'arm64' }]);
      return 'x';
    },
  });
  expect((await started([plugin])).reports()[0]).toMatchObject({
    type: 'test.a.v1',
    requires: ['test.b.v1'],
    exports: { fixed: '1', root: '/x' },
    capabilities: ['remap-ids'],
    platforms: [{ os: 'linux', architecture: 'arm64' }],
  });
});

test('a daemon that is told to stop while it starts begins no further plugin', async () => {
  const stop = new AbortController();
  const start = () => {
    stop.abort();
    return 'x';
  };
  const graph = graphOf([make({ id: 'x', start }), make({ id: 'y' })]);
  await graph.start(stop.signal);
  expect(graph.reports().map(({ status }) => status)).toEqual(['ok', 'waiting']);
});
