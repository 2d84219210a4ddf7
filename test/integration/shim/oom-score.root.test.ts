import { expect, test } from 'bun:test';
import { readFileSync, writeFileSync } from 'node:fs';
import { Rig } from './rig.ts';

const own = '/proc/self/oom_score_adj';

test('when memory is short a shim goes just before the daemon that started it', async () => {
  const before = readFileSync(own, 'utf8');
  writeFileSync(own, '123');
  try {
    await using r = new Rig();
    await r.listen();
    for (const id of ['c1', 'c2', 'c3']) {
      const shim = await r.launch(id);
      expect(readFileSync(`/proc/${await shim.pid()}/oom_score_adj`, 'utf8')).toBe('124\n');
    }
  } finally {
    writeFileSync(own, before);
  }
}, 120_000);
