import { expect, test } from 'bun:test';
import type { PortMapping } from '#core/engine/container-settings';
import type { ContainerSummary } from '#core/engine/container-summary';
import { portWords } from './port-words.ts';
import { statusWords } from './status-words.ts';

const port = (containerPort: number, hostPort = 0, hostIp = '', protocol: PortMapping['protocol'] = 'tcp') => ({
  ...{ containerPort, hostPort, hostIp, protocol },
});

test('ports are told as docker 28.5 was seen to tell them', () => {
  expect(
    portWords([
      port(80, 80, '0.0.0.0'),
      port(81, 81, '0.0.0.0'),
      port(80, 80, '::'),
      port(80, 80, '0.0.0.0', 'udp'),
      port(443),
      port(90, 9090, '0.0.0.0'),
      port(91, 9091, '0.0.0.0'),
      port(444, 0, '', 'udp'),
      port(10, 0, '', 'sctp'),
      port(22, 22, '127.0.0.1'),
    ]),
  ).toBe(
    '10/sctp, 127.0.0.1:22->22/tcp, 0.0.0.0:80-81->80-81/tcp, 0.0.0.0:80->80/udp, [::]:80->80/tcp, 443/tcp, 444/udp, 0.0.0.0:9090->90/tcp, 0.0.0.0:9091->91/tcp',
  );
  expect(
    portWords([
      port(80, 8080, '0.0.0.0'),
      port(80, 8080, '::'),
      port(443),
      port(81, 8081, '0.0.0.0'),
      port(53, 53, '127.0.0.1', 'udp'),
      port(444),
    ]),
  ).toBe('127.0.0.1:53->53/udp, 443-444/tcp, 0.0.0.0:8080->80/tcp, [::]:8080->80/tcp, 0.0.0.0:8081->81/tcp');
  expect([portWords([]), portWords([port(80), port(80), port(82)])]).toEqual(['', '80/tcp, 82/tcp']);
});

const now = Date.parse('2026-11-23T12:00:00Z');
const at = (secondsAgo: number): string => new Date(now - secondsAgo * 1000).toISOString();
const status = (of: Partial<ContainerSummary>): string =>
  statusWords({ exitCode: 0, startedAt: '', finishedAt: '', ...of } as ContainerSummary, now);

test('states are told in docker’s words', () => {
  expect([
    status({ state: 'running', startedAt: at(180) }),
    status({ state: 'running', startedAt: at(0.3), health: 'starting' }),
    status({ state: 'running', startedAt: at(3600), health: 'unhealthy' }),
    status({ state: 'running' }),
    status({ state: 'paused', startedAt: at(65) }),
    status({ state: 'restarting', exitCode: 1, finishedAt: at(5) }),
    status({ state: 'exited', exitCode: 137, finishedAt: at(7200) }),
    status({ state: 'exited', exitCode: 2 }),
    status({ state: 'created' }),
    status({ state: 'dead' }),
    status({ state: 'removing' }),
  ]).toEqual([
    'Up 3 minutes',
    'Up Less than a second (health: starting)',
    'Up About an hour (unhealthy)',
    'Up',
    'Up About a minute (Paused)',
    'Restarting (1) 5 seconds ago',
    'Exited (137) 2 hours ago',
    'Exited (2)',
    'Created',
    'Dead',
    'Removal In Progress',
  ]);
});
