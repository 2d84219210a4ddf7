import { invalidArgument } from '#base/errors';

const maxLength = 76;
const pattern = '^[A-Za-z0-9]+(?:[._-](?:[A-Za-z0-9]+))*$';
const identifier = new RegExp(pattern);

/**
 * Checks a name of the kind that containers, namespaces, leases and execs have: 1 to 76 letters and digits,
 * single dots, dashes and underscores between them. Safe as a file name.
 *
 * @throws invalid_argument in containerd's words.
 */
export function checkIdentifier(text: string): void {
  if (text === '') throw invalidArgument('identifier must not be empty');
  // Byte length, as in containerd; a name that passes has one byte per character anyway.
  if (Buffer.byteLength(text) > maxLength) {
    const shown = JSON.stringify(text.length > 4 * maxLength ? `${text.slice(0, 4 * maxLength)}…` : text);
    throw invalidArgument(`identifier ${shown} greater than maximum length (${maxLength} characters)`);
  }
  if (!identifier.test(text)) throw invalidArgument(`identifier ${JSON.stringify(text)} must match ${pattern}`);
}

export const isIdentifier = (text: string): boolean => text.length <= maxLength && identifier.test(text);
