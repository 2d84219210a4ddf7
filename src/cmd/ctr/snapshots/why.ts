import { invalidArgument } from '#base/errors';
import { command } from '../globals.ts';
import { printWhy, whyFlags } from '../why.ts';
import { snapshotterName } from './session.ts';

export default command({
  name: 'why',
  summary: 'say why a snapshot is kept',
  args: '<key>',
  description: 'prints the references that lead to a snapshot, from whatever is kept for its own sake',
  completes: ['snapshots'],
  flags: whyFlags,
  run: async (session, { io, flags, args: [key, ...more], globals }) => {
    if (key === undefined || more.length > 0) throw invalidArgument('needs one key');
    const name = await snapshotterName(session, globals);
    return await printWhy(session, io, { kind: `snapshot/${name}`, key }, flags.chains);
  },
});
