import { invalidArgument } from '#base/errors';

const maxSize = 4096;
const shownKey = 10;

/**
 * Checks the size of one label: key and value together at most 4096 bytes.
 *
 * @throws invalid_argument in containerd's words.
 */
export function checkLabel(key: string, value: string): void {
  if (Buffer.byteLength(key) + Buffer.byteLength(value) > maxSize) {
    const start = Array.from(key.slice(0, shownKey * 2))
      .slice(0, shownKey)
      .join('');
    throw invalidArgument(`label key and value greater than maximum size (${maxSize} bytes), key: ${start}`);
  }
}

/** @throws invalid_argument for the first label that is too big. */
export function checkLabels(labels: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(labels)) checkLabel(key, value);
}
