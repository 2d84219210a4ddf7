import { expect, test } from 'bun:test';
import type { Mount } from '#core/mount';
import type { LocalMountManager } from '#core/mounts/mounts';
import { scopeOf } from '#core/scope';
import { faultOf } from '#core/subject';
import { digestOf } from '#lib/digest';
import { activatingDiffer } from './activating.ts';
import type { Differ, LayerUnpack } from './diff.ts';

const scope = scopeOf('n');
const layer = { mediaType: 'm', digest: digestOf('x'), size: 1 };
const of = (type: string): Mount => ({ type, source: '', target: '', options: [] });

test('a differ gets mounts that can be made, and layers that arrive are left to finished blobs where they cannot', async () => {
  const seen: string[] = [];
  const open = new Set<string>();
  const manager = {
    wants: ([mount]: readonly Mount[]) => mount?.type.startsWith('format/') === true,
    during: async (_: unknown, mounts: readonly Mount[], use: (ready: readonly Mount[]) => Promise<unknown>) => {
      const type = `${mounts[0]?.type}`;
      open.add(type);
      return use([of(`ready-${type}`)]).finally(() => open.delete(type));
    },
  } as unknown as LocalMountManager;
  const note = async (...mounts: (readonly Mount[])[]) => {
    seen.push(`${mounts.map(([mount]) => mount?.type).join(' ')} with ${[...open].join(' ')}`);
    return layer;
  };
  const arriving = {} as LayerUnpack;
  const differ: Differ = {
    apply: (_, __, mounts) => note(mounts),
    compare: (_, lower, upper) => note(lower, upper),
    unpack: () => arriving,
  };
  const wrapped = activatingDiffer(differ, manager);
  await wrapped.apply(scope, layer, [of('a')]);
  await wrapped.compare(scope, [of('b')], [of('c')]);
  expect([seen, open.size]).toEqual([['ready-a with a', 'ready-b ready-c with b c'], 0]);
  expect(wrapped.unpack?.(scope, { mediaType: 'm', path: '/x' }, [of('bind')])).toBe(arriving);
  const refused = wrapped.unpack?.(scope, { mediaType: 'm', path: '/x' }, [of('format/x')]);
  expect(await faultOf(refused?.done ?? Promise.resolve())).toBe('not_implemented');
  expect(activatingDiffer(differ, undefined)).toBe(differ);
});
