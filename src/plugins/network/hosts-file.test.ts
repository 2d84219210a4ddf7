import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hostsText, writeHosts } from './hosts-file.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync('/tmp/berth-hosts-');
});
afterEach(() => rmSync(directory, { recursive: true }));

const web = { address: '10.4.0.2', names: ['web', 'web.net'] };

test('a new file has the usual names and ours', () => {
  const text = hostsText('', [web]);
  expect(text).toStartWith('127.0.0.1\tlocalhost');
  expect(text).toEndWith('# <nerdctl>\n10.4.0.2\tweb web.net\n# </nerdctl>\n');
});

test('only our part is replaced, wherever it stands', () => {
  const before = '1.1.1.1 mine\n# <nerdctl>\n9.9.9.9\told\n# </nerdctl>\n2.2.2.2 after\n';
  expect(hostsText(before, [web])).toBe(
    '1.1.1.1 mine\n# <nerdctl>\n10.4.0.2\tweb web.net\n# </nerdctl>\n2.2.2.2 after\n',
  );
  expect(hostsText('1.1.1.1 mine', [])).toBe('1.1.1.1 mine\n# <nerdctl>\n# </nerdctl>\n');
});

test('a name with more in it than a name is left out', () => {
  const names = ['web', 'a\n6.6.6.6 bank', 'b c', '#'];
  expect(
    hostsText('', [
      { address: '10.4.0.2', names },
      { address: '1.1.1.1\n2.2.2.2', names: ['x'] },
    ]),
  ).toEndWith('# <nerdctl>\n10.4.0.2\tweb\n# </nerdctl>\n');
});

test('the file stays the same file, and everybody may read it', async () => {
  const path = join(directory, 'a/b/hosts');
  await writeHosts(path, [web, { address: '10.4.0.3', names: ['long'.repeat(50)] }]);
  const { ino } = statSync(path);
  await writeHosts(path, [web]);
  expect(statSync(path).ino).toBe(ino);
  expect(statSync(path).mode & 0o777).toBe(0o644);
  expect(readFileSync(path, 'utf8')).toBe(hostsText('', [web]));
  writeFileSync(path, 'x\n');
  await writeHosts(path, []);
  expect(readFileSync(path, 'utf8')).toBe('x\n# <nerdctl>\n# </nerdctl>\n');
});

test('what a container has filled begins anew', async () => {
  const path = join(directory, 'hosts');
  writeFileSync(path, 'x'.repeat((1 << 20) + 1));
  await writeHosts(path, [web]);
  expect(readFileSync(path, 'utf8')).toBe(hostsText('', [web]));
});
