import { expect, test } from 'bun:test';
import type { ApplyOptions, Differ } from '#core/diff/diff';
import type { PluginContext } from '#core/plugin/plugin';
import { scopeOf } from '#core/scope';
import { digestOf } from '#lib/digest';
import diffService from './diff-service.ts';

const layer = { mediaType: 'm', digest: digestOf('x'), size: 1 };

test('layers are written through to the disk when the client asks for it, or the configuration does', async () => {
  const seen: (boolean | undefined)[] = [];
  const apply = async (_: unknown, __: unknown, ___: unknown, options?: ApplyOptions) => {
    seen.push(options?.syncFs);
    return layer;
  };
  const differ: Differ = { apply, compare: async () => layer };
  for (const sync_fs of [false, true]) {
    const config = { default: ['walking'], sync_fs };
    const granted = { differs: new Map([['walking', differ]]), mounts: undefined };
    const service = (await diffService.start({ config } as unknown as PluginContext<unknown>, granted)) as Differ;
    await service.apply(scopeOf('n'), layer, []);
    await service.apply(scopeOf('n'), layer, [], { syncFs: true });
  }
  expect(seen).toEqual([undefined, true, true, true]);
});
