import { invalidArgument } from '#base/errors';
import { parseDigest } from '#lib/digest';
import { command } from '../globals.ts';
import { printWhy, whyFlags } from '../why.ts';

export default command({
  name: 'why',
  summary: 'say why a blob is kept',
  args: '<digest>',
  description: 'prints the references that lead to a blob, from whatever is kept for its own sake',
  completes: ['content'],
  flags: whyFlags,
  run: async (session, { io, flags, args: [word, ...more] }) => {
    if (word === undefined || more.length > 0) throw invalidArgument('needs one digest');
    return await printWhy(session, io, { kind: 'content', key: parseDigest(word) }, flags.chains);
  },
});
