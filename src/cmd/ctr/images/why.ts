import { invalidArgument } from '#base/errors';
import { command } from '../globals.ts';
import { printWhy, whyFlags } from '../why.ts';

export default command({
  name: 'why',
  summary: 'say why an image is kept',
  args: '<name>',
  description: 'prints the references that lead to an image, from whatever is kept for its own sake',
  completes: ['images'],
  flags: whyFlags,
  run: async (session, { io, flags, args: [key, ...more] }) => {
    if (key === undefined || more.length > 0) throw invalidArgument('needs one name');
    return await printWhy(session, io, { kind: 'image', key }, flags.chains);
  },
});
