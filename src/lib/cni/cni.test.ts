import { afterEach, beforeEach, expect, test } from 'bun:test';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { addNetwork, removeNetwork } from './network.ts';
import { defaultNetwork, parseList, parseSingle } from './network-config.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync('/tmp/berth-cni-');
  mkdirSync(join(directory, 'bin'));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** A plugin that notes what it was asked, and answers with what `answer` prints. */
function plugin(name: string, answer = `echo '{"from":"${name}"}'`): void {
  const note = `{ echo "$CNI_COMMAND $CNI_CONTAINERID $CNI_NETNS $CNI_IFNAME $CNI_PATH"; cat; echo; } >> ${directory}/notes`;
  writeFileSync(join(directory, 'bin', name), `#!/bin/sh\n${note}\n${answer}\n`, { mode: 0o755 });
}

const to = () => ({
  containerId: 'ns-c1',
  netns: '/proc/7/ns/net',
  ifName: 'eth0',
  path: [`${directory}/none`, `${directory}/bin`],
  environment: { PATH: process.env.PATH },
  cacheDir: join(directory, 'cache'),
});
const notes = () => readFileSync(join(directory, 'notes'), 'utf8').trim().split('\n');
const list = (version: string) =>
  parseList(
    Buffer.from(JSON.stringify({ cniVersion: version, name: 'net', plugins: [{ type: 'a', x: 1 }, { type: 'b' }] })),
  );

test('plugins are called in order, each told what the one before said, and backwards to undo it', async () => {
  plugin('a');
  plugin('b');
  expect(await addNetwork(list('1.0.0'), to())).toEqual({ from: 'b' });
  const cached = join(directory, 'cache/results/net-ns-c1-eth0');
  expect(JSON.parse(readFileSync(cached, 'utf8'))).toMatchObject({ kind: 'cniCacheV1', result: { from: 'b' } });
  await removeNetwork(list('1.0.0'), { ...to(), netns: '' });
  expect(existsSync(cached)).toBe(false);
  const path = to().path.join(':');
  expect(notes()).toEqual([
    `ADD ns-c1 /proc/7/ns/net eth0 ${path}`,
    '{"type":"a","x":1,"name":"net","cniVersion":"1.0.0"}',
    `ADD ns-c1 /proc/7/ns/net eth0 ${path}`,
    '{"type":"b","name":"net","cniVersion":"1.0.0","prevResult":{"from":"a"}}',
    `DEL ns-c1  eth0 ${path}`,
    '{"type":"b","name":"net","cniVersion":"1.0.0","prevResult":{"from":"b"}}',
    `DEL ns-c1  eth0 ${path}`,
    '{"type":"a","x":1,"name":"net","cniVersion":"1.0.0","prevResult":{"from":"b"}}',
  ]);
});

test('before 0.4.0 plugins are not told with DEL what ADD had said', async () => {
  plugin('a');
  plugin('b');
  await addNetwork(list('0.3.1'), to());
  await removeNetwork(list('0.3.1'), to());
  expect(notes().at(-1)).not.toContain('prevResult');
});

test("a plugin that fails is named, with its own words; one that isn't there, too", async () => {
  plugin('a', `echo '{"code":11,"msg":"no address left","details":"of 3"}'; exit 1`);
  await expect(addNetwork(list('1.0.0'), to())).rejects.toThrow('plugin type="a" failed (add): no address left; of 3');
  plugin('a');
  await expect(addNetwork(list('1.0.0'), to())).rejects.toThrow('failed to find plugin "b"');
  plugin('b', 'echo no such file or directory >&2; exit 1');
  await removeNetwork(list('1.0.0'), to()); // a namespace that has gone
  plugin('b', 'exit 3');
  await expect(removeNetwork(list('1.0.0'), to())).rejects.toThrow('failed (delete): netplugin failed with no error');
});

test('a plugin is told of wishes that it knows, and arguments; one that hangs is ended', async () => {
  plugin('a', `echo "$CNI_ARGS" >> ${directory}/notes; echo '{}'`);
  const known = { type: 'a', capabilities: { portMappings: true, mac: false } };
  const text = JSON.stringify({ cniVersion: '1.0.0', name: 'net', plugins: [known] });
  await addNetwork(parseList(Buffer.from(text)), {
    ...to(),
    args: 'IP=1.2.3.4',
    capabilities: { portMappings: [{ hostPort: 1 }], mac: 'x', ips: ['y'] },
  });
  expect(JSON.parse(notes()[1] ?? '').runtimeConfig).toEqual({ portMappings: [{ hostPort: 1 }] });
  expect(notes()[2]).toBe('IP=1.2.3.4');
  plugin('a', 'sleep 60 & wait');
  await expect(addNetwork(list('1.0.0'), { ...to(), timeoutMs: 50 })).rejects.toThrow('did not end in time');
});

test('a plugin that fails with DEL does not keep the others from theirs', async () => {
  plugin('a');
  plugin('b', 'exit 3');
  await expect(removeNetwork(list('1.0.0'), to())).rejects.toThrow('type="b" failed (delete)');
  expect(notes().filter((line) => line.startsWith('DEL'))).toHaveLength(2);
});

test('a plugin that prints no result is named', async () => {
  for (const answer of ['', 'echo 5', 'echo {']) {
    plugin('a', answer);
    await expect(addNetwork(list('1.0.0'), to())).rejects.toThrow('plugin type="a" failed (add): it printed no result');
  }
});

test('the first file by name is the network; what is wrong with it is said with its path', async () => {
  await expect(defaultNetwork(directory)).rejects.toThrow('no network config found');
  await expect(defaultNetwork(join(directory, 'nowhere'))).rejects.toThrow('no network config found');
  writeFileSync(join(directory, '20.conflist'), '{"name":"second","plugins":[{"type":"a"}]}');
  writeFileSync(join(directory, '10.conf'), '{"name":"first","cniVersion":"0.4.0","type":"a"}');
  writeFileSync(join(directory, '00.txt'), 'no');
  expect(await defaultNetwork(directory)).toMatchObject({
    name: 'first',
    cniVersion: '0.4.0',
    plugins: [{ type: 'a' }],
  });
  writeFileSync(join(directory, '10.conf'), '{');
  await expect(defaultNetwork(directory)).rejects.toThrow(`${directory}/10.conf`);
});

test('what is no network is refused', () => {
  for (const text of [
    '[]',
    '{}',
    '{"name":"x"}',
    '{"name":"x","plugins":[]}',
    '{"name":"../x","plugins":[{"type":"a"}]}',
    '{"name":"x","plugins":[{"type":"../a"}]}',
    '{"name":"x","cniVersion":"one","plugins":[{"type":"a"}]}',
  ])
    expect(() => parseList(Buffer.from(text))).toThrow('invalid argument');
  expect(() => parseSingle(Buffer.from('{"name":"x"}'))).toThrow('network type not found');
});
