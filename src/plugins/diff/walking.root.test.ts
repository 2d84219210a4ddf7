import { differSuite } from '#core/diff/diff.suite';
import { orderedDiffer } from '#core/diff/ordered';
import { Comparer } from './comparer.ts';
import { ApplyBench } from './layer.fixture.ts';

for (const label of ['walking', 'the first of several']) {
  differSuite(label, () => {
    const bench = new ApplyBench();
    const comparer = new Comparer({ content: bench.content, tempDir: bench.dir });
    const differ = {
      apply: bench.applier.apply.bind(bench.applier),
      unpack: bench.applier.unpack.bind(bench.applier),
      compare: comparer.compare.bind(comparer),
    };
    return {
      differ: label === 'walking' ? differ : orderedDiffer([differ]),
      content: bench.content,
      unpack: true,
      [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose](),
    };
  });
}
