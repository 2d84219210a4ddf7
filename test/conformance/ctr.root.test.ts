import { expect, test } from 'bun:test';
import { atHome } from './matrix/cells.ts';

// The cells of the matrix that need only what setup installs; `npm run matrix` has them all.

for (const cell of atHome) {
  test(`${cell.client}, ${cell.daemon}, shim ${cell.shim}: the whole walk`, async () => {
    const { failed, succeeded } = await cell.walk();
    expect(failed).toEqual([]);
    expect(succeeded).toBeGreaterThanOrEqual(cell.atLeast);
  }, 300_000);
}
