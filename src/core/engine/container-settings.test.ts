import { expect, test } from 'bun:test';
import {
  type ContainerSettings,
  packSettings,
  settingsKey,
  settingsOf,
  settingsTypeUrl,
} from './container-settings.ts';

const settings: ContainerSettings = {
  name: 'web',
  stateDir: '/var/lib/nerdctl/1935db59/containers/default/c1',
  dataStore: '/var/lib/nerdctl/1935db59',
  hostname: 'c1',
  domainname: '',
  autoRemove: false,
  network: {
    mode: 'networks',
    target: '',
    attachments: [{ network: 'bridge', aliases: [], ip: '', ip6: '', mac: '' }],
    ports: [{ hostIp: '', hostPort: 0, containerPort: 80, protocol: 'tcp' }],
    dns: { servers: [], search: [], options: [] },
    extraHosts: [],
  },
  streams: {
    terminal: false,
    openStdin: false,
    stdinOnce: false,
    stdin: '',
    stdout: 'log://none',
    stderr: 'log://none',
    logDriver: 'none',
    logOptions: {},
    logPath: '',
  },
  stopSignal: 'SIGTERM',
  stopTimeout: 10,
  anonymousVolumes: [],
  mounts: [],
  config: {},
  hostConfig: {},
};

test('settings come back as they were packed; a container without them has none', () => {
  expect(settingsOf({ id: 'c1', extensions: { [settingsKey]: packSettings(settings) } })).toEqual(settings);
  expect(settingsOf({ id: 'c1', extensions: {} })).toBeUndefined();
});

test('what is no settings is told with the container', () => {
  for (const [typeUrl, text] of [
    [settingsTypeUrl, '{'],
    [settingsTypeUrl, 'null'],
    [settingsTypeUrl, '{"name":"x"}'],
    ['other', JSON.stringify(settings)],
    [settingsTypeUrl, JSON.stringify({ ...settings, stateDir: '/etc' })],
    [settingsTypeUrl, JSON.stringify({ ...settings, stateDir: 'c1' })],
    [settingsTypeUrl, JSON.stringify({ ...settings, stateDir: '/var/lib/../../etc/c1' })],
    [settingsTypeUrl, JSON.stringify({ ...settings, dataStore: 'here' })],
  ] as const) {
    const extensions = { [settingsKey]: { typeUrl, value: Buffer.from(text) } };
    expect(() => settingsOf({ id: 'c1', extensions })).toThrow('container "c1": its settings are');
  }
});
