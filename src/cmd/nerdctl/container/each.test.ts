import { expect, test } from 'bun:test';
import { notFound } from '#base/errors';
import type { Io } from '../../cli/io.ts';
import { forEach } from './each.ts';

function io() {
  const seen: string[] = [];
  const output = (name: string) => ({ write: async (text: string | Uint8Array) => void seen.push(`${name} ${text}`) });
  const made: Pick<Io, 'stdout' | 'stderr' | 'signal'> = {
    stdout: output('out'),
    stderr: output('err'),
    signal: new AbortController().signal,
  };
  return { seen, io: made as Io };
}

test('results come in the order of the words, and an error keeps none of the others', async () => {
  const { seen, io: one } = io();
  const code = await forEach(one, ['slow', 'missing', 'quick'], async (word) => {
    if (word === 'missing') throw notFound('No such container: missing');
    await new Promise((resolve) => setTimeout(resolve, word === 'slow' ? 20 : 0));
    return word;
  });
  expect(code).toBe(1);
  expect(seen).toEqual(['out slow\n', 'err Error response from daemon: No such container: missing\n', 'out quick\n']);
});

test('no more than some are worked on at a time', async () => {
  const { io: one } = io();
  let now = 0;
  let most = 0;
  await forEach(one, Array.from({ length: 50 }, String), async () => {
    most = Math.max(most, ++now);
    await new Promise((resolve) => setTimeout(resolve, 1));
    now--;
    return '';
  });
  expect([most, now]).toEqual([16, 0]);
});
