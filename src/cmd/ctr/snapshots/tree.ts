import type { SnapshotInfo } from '#core/snapshots/snapshotter';
import { command } from '../globals.ts';
import { printLines } from '../output.ts';
import { chosenSnapshotter } from './session.ts';

export default command({
  name: 'tree',
  summary: 'display tree view of snapshot branches',
  flags: {},
  run: async (session, { io, globals }) => {
    const snapshotter = await chosenSnapshotter(session, globals);
    const children = new Map<string, SnapshotInfo[]>();
    for await (const info of snapshotter.walk(session.scope))
      children.set(info.parent, [...(children.get(info.parent) ?? []), info]);
    await printLines(io, [...branches(children, '', 0)]);
    return 0;
  },
});

function* branches(
  children: ReadonlyMap<string, readonly SnapshotInfo[]>,
  parent: string,
  depth: number,
): Generator<string> {
  for (const { name } of children.get(parent) ?? []) {
    yield `${'  '.repeat(depth)}${depth === 0 ? '' : ' \\_'} ${name}`;
    yield* branches(children, name, depth + 1);
  }
}
