import { list, table, text } from '#base/config';
import { notFound } from '#base/errors';
import { Differ, OrderedDiffer } from '#core/diff/diff';
import { orderedDiffer } from '#core/diff/ordered';
import { definePlugin } from '#core/plugin/plugin';
import { every } from '#core/plugin/slot';

/** The differs as one: the configured order decides who is asked first. */
export default definePlugin({
  slot: OrderedDiffer,
  id: 'diff-service',
  config: table({
    default: list(text(), { default: ['walking'], help: 'Differs by id, in the order in which they are asked.' }),
  }),
  needs: { differs: every(Differ) },
  start({ config }, { differs }) {
    return orderedDiffer(
      config.default.map((id) => {
        const differ = differs.get(id);
        if (differ === undefined) throw notFound(`differ ${JSON.stringify(id)} of the configured order`);
        return differ;
      }),
    );
  },
});
