import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DockerConfig, dockerConfigDirectory, serverName } from './docker-config.ts';
import { registryHost } from './login.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync('/dev/shm/berth-config-');
});
afterAll(() => rmSync(directory, { recursive: true }));

let count = 0;
async function configOf(content: unknown): Promise<DockerConfig> {
  const own = join(directory, String(count++));
  mkdirSync(own);
  writeFileSync(join(own, 'config.json'), typeof content === 'string' ? content : JSON.stringify(content));
  return DockerConfig.open(own);
}

test('credentials are found under every form that docker has written them in', async () => {
  const config = await configOf({
    auths: {
      'https://index.docker.io/v1/': { auth: btoa('hub:p:w') },
      'reg.example:5000': { username: 'u', password: 'p' },
      'https://old.example/v2/': { auth: btoa('old:p\0\0') },
      'token.example': { auth: btoa('u:'), identitytoken: 'idt' },
      'ready.example': { registrytoken: 'rt' },
      'empty.example': {},
    },
  });
  const hub = { user: 'hub', password: 'p:w' };
  expect(await config.get('docker.io')).toEqual(hub);
  expect(await config.credentialsOf('registry-1.docker.io', '')).toEqual(hub);
  expect(await config.get('reg.example:5000')).toEqual({ user: 'u', password: 'p' });
  expect(await config.get('old.example')).toEqual({ user: 'old', password: 'p' });
  expect(await config.get('token.example')).toEqual({ identityToken: 'idt' });
  expect(await config.get('ready.example')).toEqual({ header: 'Bearer rt' });
  expect(await config.get('empty.example')).toBeUndefined();
  expect(await config.get('reg.example')).toBeUndefined();
});

test('what is stored replaces what was there and leaves the rest, through a link too', async () => {
  const own = join(directory, 'linked');
  mkdirSync(own);
  const target = join(directory, 'real.json');
  writeFileSync(target, JSON.stringify({ psFormat: 'x', auths: { a: { auth: 'b' } } }));
  symlinkSync(target, join(own, 'config.json'));
  const config = await DockerConfig.open(own);
  await config.store('docker.io', { user: 'u', password: 'p' });
  await config.store('docker.io', { user: 'u', password: 'q' });
  expect(JSON.parse(readFileSync(target, 'utf8'))).toEqual({
    psFormat: 'x',
    auths: { a: { auth: 'b' }, 'https://index.docker.io/v1/': { auth: btoa('u:q') } },
  });
  expect([await config.erase('docker.io'), await config.erase('docker.io')]).toEqual([true, false]);
});

test('a file that is none is told of by its path, and none at all is an empty one', async () => {
  await expect(configOf('{')).rejects.toThrow('error loading config file: ');
  await expect(configOf('[]')).rejects.toThrow('it is no object');
  expect(await (await DockerConfig.open(join(directory, 'none'))).get('docker.io')).toBeUndefined();
});

test('helpers stand for all registries or for one; names that are no programs are refused', async () => {
  const config = await configOf({ credsStore: 'all', credHelpers: { 'one.example': 'own', 'bad.example': '../x' } });
  expect([config.helper('one.example'), config.helper('docker.io')]).toEqual(['own', 'all']);
  await expect(config.get('bad.example')).rejects.toThrow('no name of a helper');
});

test('servers are called as docker calls them', () => {
  expect(['index.docker.io', 'https://reg.example/v1/', 'localhost:5000'].map(serverName)).toEqual([
    'https://index.docker.io/v1/',
    'reg.example',
    'localhost:5000',
  ]);
  expect([registryHost(''), registryHost('https://reg.example/v2/'), registryHost('localhost:5000')]).toEqual([
    'docker.io',
    'reg.example',
    'localhost:5000',
  ]);
  expect([dockerConfigDirectory({ DOCKER_CONFIG: '/d' }), dockerConfigDirectory({ HOME: '/h' })]).toEqual([
    '/d',
    '/h/.docker',
  ]);
});
