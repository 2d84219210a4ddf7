import { expect, test } from 'bun:test';
import { compareTrees, programs } from './command-tree.ts';

for (const [name, program] of Object.entries(programs)) {
  test(`our ${name} has every command, flag, alias and default that Debian's has`, async () => {
    const { common, missing, stale } = await compareTrees(`/usr/bin/${name}`, program);
    expect(missing).toEqual([]);
    expect(stale).toEqual([]);
    expect(common).toBeGreaterThan(name === 'ctr' ? 80 : 4);
  }, 120_000);
}
