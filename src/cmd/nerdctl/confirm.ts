import { createInterface } from 'node:readline';
import type { Io } from '../cli/io.ts';

/** Asks as docker does before something is removed; anything but a yes is a no, and so is the end of the input. */
export async function confirmed(io: Io, warning: string): Promise<boolean> {
  await io.stdout.write(`${warning}\nAre you sure you want to continue? [y/N] `);
  const answer = await firstLine(io);
  return ['y', 'yes'].includes(answer.trim().toLowerCase());
}

async function firstLine({ stdin, signal }: Io): Promise<string> {
  const lines = createInterface({ input: stdin, signal });
  for await (const line of lines) {
    lines.close();
    return line;
  }
  return '';
}
