import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** A line of /etc/hosts. */
export interface HostsLine {
  readonly address: string;
  readonly names: readonly string[];
}

const begin = '# <nerdctl>';
const end = '# </nerdctl>';

const base = `127.0.0.1\tlocalhost localhost.localdomain
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
ff00::0\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
`;

/** What is none would say something of others: containers read of each other's names here. */
const isWord = (text: string): boolean => /^[^\s#]+$/.test(text);

/** The text with our part replaced, or put at its end; what others have written stays. */
export function hostsText(before: string, lines: readonly HostsLine[]): string {
  const shown = lines.map(({ address, names }) => ({ address, names: names.filter(isWord) }));
  const mine = shown.filter(({ address, names }) => isWord(address) && names.length > 0);
  const block = `${begin}\n${mine.map(({ address, names }) => `${address}\t${names.join(' ')}\n`).join('')}${end}\n`;
  const old = before === '' ? base : before;
  const from = old.indexOf(begin);
  const to = old.indexOf(end, from);
  if (from < 0 || to < 0) return `${old}${old.endsWith('\n') ? '' : '\n'}${block}`;
  return `${old.slice(0, from)}${block}${old.slice(to + end.length).replace(/^\n/, '')}`;
}

/** Writes our part of a hosts file. */
export const writeHosts = (path: string, lines: readonly HostsLine[]): Promise<void> =>
  changeInPlace(path, (before) => hostsText(before, lines));

/** A copy of the machine's own, with our part behind it. */
export async function copyHosts(path: string, lines: readonly HostsLine[]): Promise<void> {
  const own = await readFile('/etc/hosts', 'utf8').catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code !== 'ENOENT') throw thrown;
    return '';
  });
  await changeInPlace(path, () => hostsText(own, lines));
}

/** A container may write into its files whatever it likes, and that is not to fill the daemon's memory: what is longer begins anew. */
const mostKept = 1 << 20;

/**
 * Changes a file that containers have mounted: it must stay the same file. Makes it where it is missing. A reader may see the new text with the end of the
 * old one, for a moment, and never an empty file.
 */
export async function changeInPlace(path: string, change: (before: string) => string): Promise<void> {
  const file = await open(path, 'r+').catch(async (thrown: NodeJS.ErrnoException) => {
    if (thrown.code !== 'ENOENT') throw thrown;
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    return await open(path, 'a+', 0o644);
  });
  try {
    const before = (await file.stat()).size > mostKept ? '' : await file.readFile('utf8');
    const text = Buffer.from(change(before));
    if (before !== '' && before === text.toString()) return;
    await file.chmod(0o644);
    if (text.length > 0) await file.write(text, 0, text.length, 0);
    await file.truncate(text.length);
  } finally {
    await file.close();
  }
}
