import { invalidArgument } from '#base/errors';
import type { Mount } from '#core/mount';
import { ctrJson } from '#lib/go-json';
import { flag, text } from '../../cli/flags.ts';
import { type CtrInvocation, command, type Session } from '../globals.ts';
import { printLines } from '../output.ts';
import { mountCommands } from './mounts.ts';
import { chosenSnapshotter } from './session.ts';

const flags = {
  target: text('mount target path, will print mount, if provided', { alias: 't' }),
  mounts: flag('Print out snapshot mounts as JSON'),
};
const args = '[flags] <key> [<parent>]';

export const prepare = command({
  name: 'prepare',
  summary: 'prepare a snapshot from a committed snapshot',
  args,
  completes: ['', 'snapshots'],
  flags,
  run: (session, invocation) => make('prepare', session, invocation),
});

export const view = command({
  name: 'view',
  summary: 'create a read-only snapshot from a committed snapshot',
  args,
  completes: ['', 'snapshots'],
  flags,
  run: (session, invocation) => make('view', session, invocation),
});

async function make(
  kind: 'prepare' | 'view',
  session: Session,
  invocation: CtrInvocation<typeof flags>,
): Promise<number> {
  const { io, args: words, flags: given, globals } = invocation;
  const [key, parent = ''] = words;
  if (key === undefined || words.length > 2) throw invalidArgument('needs one or two arguments');
  const snapshotter = await chosenSnapshotter(session, globals);
  const labels = { 'containerd.io/gc.root': new Date().toISOString().replace(/\.\d+Z$/, 'Z') };
  const mounts = await snapshotter[kind](session.scope, key, parent, { labels });
  if (given.target !== '') await printLines(io, mountCommands(mounts, given.target));
  if (given.mounts) await io.stdout.write(ctrJson(mounts.map(goMount)));
  return 0;
}

const goMount = ({ type, source, target, options }: Mount) => ({
  Type: type,
  Source: source,
  Target: target,
  Options: options,
});
