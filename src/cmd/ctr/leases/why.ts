import { invalidArgument } from '#base/errors';
import { command } from '../globals.ts';
import { printWhy, whyFlags } from '../why.ts';

export default command({
  name: 'why',
  summary: 'say why a lease is kept',
  args: '<id>',
  description: 'prints the references that lead to a lease, from whatever is kept for its own sake',
  completes: ['leases'],
  flags: whyFlags,
  run: async (session, { io, flags, args: [key, ...more] }) => {
    if (key === undefined || more.length > 0) throw invalidArgument('needs one id');
    return await printWhy(session, io, { kind: 'lease', key }, flags.chains);
  },
});
