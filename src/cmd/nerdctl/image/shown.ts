import type { Observer } from '#core/transfer/progress';
import type { Io } from '../../cli/io.ts';
import { TransferDisplay } from '../../ctr/images/transfer-display.ts';

/** Shows a transfer while it is at work, unless nobody wants to see it. */
export async function shown<T>(
  io: Io,
  title: string,
  quiet: boolean,
  work: (observed: { readonly onProgress?: Observer }) => Promise<T>,
): Promise<T> {
  if (quiet) return await work({});
  await using display = new TransferDisplay(io, title);
  return await work({ onProgress: display.observe });
}
