import { invalidArgument } from '#base/errors';
import { parseDigest } from '#lib/digest';
import { command } from '../globals.ts';
import { formatLabels, parseLabels, printLine } from '../output.ts';

export default command({
  name: 'label',
  summary: 'add labels to content',
  args: '<digest> [<label>=<value> ...]',
  description: 'labels blobs in the content store',
  completes: ['content'],
  flags: {},
  run: async ({ client, scope }, { io, args: [word, ...pairs] }) => {
    if (word === undefined) throw invalidArgument('digest must be specified');
    const labels = parseLabels(pairs);
    const fields = Object.keys(labels).map((key) => `labels.${key}`);
    const digest = parseDigest(word);
    const info =
      fields.length === 0
        ? await client.content.info(scope, digest)
        : await client.content.update(scope, { digest, labels }, fields);
    await printLine(io, formatLabels(info.labels, ''));
    return 0;
  },
});
