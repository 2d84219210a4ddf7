import { expect, test } from 'bun:test';
import { readdirSync } from 'node:fs';

const top = new URL('../..', import.meta.url).pathname;

test('what the package exports can be imported by its name', async () => {
  const client = await import('berth/client');
  expect(typeof client.openClient).toBe('function');
  expect(typeof client.pull).toBe('function');
  const plugin = await import('berth/plugin');
  expect(
    plugin.pluginName(plugin.definePlugin({ slot: plugin.Snapshotter, id: 'x', start: () => undefined as never })),
  ).toBe('io.containerd.snapshotter.v1.x');
});

test('every contract suite is exported, and nothing else of the tree', () => {
  const suites = readdirSync(`${top}src/core`, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.suite.ts'),
  );
  expect(suites.length).toBeGreaterThan(4);
  for (const suite of suites) {
    const name = `berth/testing/${suite.replace(/\.suite\.ts$/, '')}`;
    expect(import.meta.resolve(name)).toBe(`file://${top}src/core/${suite}`);
  }
  expect(() => import.meta.resolve('berth/src/base/errors.ts')).toThrow();
});
