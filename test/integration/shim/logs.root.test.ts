import { expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { openAttachment } from '#client/attach';
import { attachStdin, formatLogUri } from '#lib/log-uri';
import { Rig, tasks } from './rig.ts';

async function rig(): Promise<Rig> {
  const made = new Rig();
  await made.listen();
  return made;
}

interface Line {
  readonly log: string;
  readonly stream: string;
  readonly time: string;
  readonly attrs?: Readonly<Record<string, string>>;
}

const linesOf = (path: string): Line[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));

const textOf = (path: string): string =>
  linesOf(path)
    .map(({ log }) => log)
    .join('');

const { signal } = new AbortController();

test('both outputs are in one log, in the form of docker', async () => {
  await using r = await rig();
  const path = join(r.directory, 'c1.log');
  const uri = formatLogUri({ driver: 'json-file', attach: '', options: { path, attrs: '{"a":"b c&d"}' } });
  const before = Date.now();
  const args = ['sh', '-c', 'echo "one <&>"; sleep 0.05; printf \'two"\\\\\\t\\377\\n\' >&2; sleep 0.05; printf last'];
  const shim = await r.launch('c1', { args, stdout: uri, stderr: uri });
  expect(await shim.exitOf()).toBe(0);
  await shim.end();
  const text = readFileSync(path, 'utf8');
  expect(text.replaceAll(/"time":"[^"]*"/g, 'TIME')).toBe(
    '{"log":"one \\u003c\\u0026\\u003e\\n","stream":"stdout","attrs":{"a":"b c&d"},TIME}\n' +
      '{"log":"two\\"\\\\\\u0009\\ufffd\\n","stream":"stderr","attrs":{"a":"b c&d"},TIME}\n' +
      '{"log":"last","stream":"stdout","attrs":{"a":"b c&d"},TIME}\n',
  );
  for (const { time } of linesOf(path)) expect(Date.parse(time)).toBeGreaterThanOrEqual(before - 1);
  expect(statSync(path).mode & 0o777).toBe(0o640);
}, 120_000);

test('who attaches between create and start gets everything, gives input, and ends it', async () => {
  await using r = await rig();
  const path = join(r.directory, 'c1.log');
  const attach = join(r.directory, 'attach.sock');
  const uri = formatLogUri({ driver: 'json-file', attach, options: { path, 'stdin-once': 'true' } });
  const options = { args: ['cat'], stdin: attachStdin(attach), stdout: uri, stderr: uri };
  const shim = await r.start('c1', options);
  await shim.create(options);
  expect(statSync(attach).mode & 0o777).toBe(0o600);
  await using attachment = await openAttachment(attach, { signal });
  await shim.call(tasks.start, { id: 'c1' });
  const block = Buffer.alloc(1 << 20, 'abcdefghij\n');
  const given = createHash('sha256');
  const got = createHash('sha256');
  const reading = (async () => {
    let bytes = 0;
    for await (const { bytes: piece } of attachment.output) {
      got.update(piece);
      bytes += piece.length;
    }
    return bytes;
  })();
  for (let i = 0; i < 100; i++) {
    given.update(block);
    await attachment.write(block);
  }
  await attachment.closeInput();
  expect(await shim.exitOf()).toBe(0);
  expect(await reading).toBe(100 << 20);
  expect(got.digest('hex')).toBe(given.digest('hex'));
  await shim.end();
  expect(existsSync(attach)).toBe(false);
  expect(createHash('sha256').update(textOf(path)).digest('hex')).toBe(
    createHash('sha256')
      .update(Buffer.concat(Array(100).fill(block)))
      .digest('hex'),
  );
}, 120_000);
