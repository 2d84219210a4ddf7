import { expect, test } from 'bun:test';
import { layoutAt, layoutFor } from './layout.ts';

test("the usual socket's directory is the one that nerdctl's users know", () => {
  const layout = layoutFor('/var/lib/nerdctl', '/run/containerd/containerd.sock');
  expect(layout.store).toBe('/var/lib/nerdctl/1935db59');
  expect(layoutFor('/var/lib/nerdctl', 'unix:///run/containerd/containerd.sock')).toMatchObject({
    store: layout.store,
  });
  expect(layout.container('default', 'c1')).toBe('/var/lib/nerdctl/1935db59/containers/default/c1');
});

test('a known directory gives the same places', () => {
  const layout = layoutAt('/x');
  expect([layout.names('a'), layout.hosts('a', 'c'), layout.volumes('a')]).toEqual([
    '/x/names/a',
    '/x/etchosts/a/c',
    '/x/volumes/a',
  ]);
});
