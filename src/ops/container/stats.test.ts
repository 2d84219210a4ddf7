import { expect, test } from 'bun:test';
import { cpuPercent, interfacesIn, type Usage } from './stats.ts';

test('what goes over interfaces is added up, but for the loopback', () => {
  const table = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:    9999       1    0    0    0     0          0         0     9999       1    0    0    0     0       0          0
  eth0:     100       1    0    0    0     0          0         0      200       1    0    0    0     0       0          0
  eth1: 3 1 0 0 0 0 0 0 4 1 0 0 0 0 0 0
`;
  expect(interfacesIn(table)).toEqual({ received: 103, sent: 204 });
});

test('a processor is in use by as much of the time as was counted', () => {
  const at = (atMs: number, cpuNanos: number) => ({ atMs, cpuNanos }) as Usage;
  expect(cpuPercent(at(1000, 0), at(2000, 1.5e9))).toBe(150);
  expect(cpuPercent(undefined, at(2000, 1e9))).toBe(0);
  expect(cpuPercent(at(2000, 1e9), at(2000, 2e9))).toBe(0);
  expect(cpuPercent(at(1000, 5e9), at(2000, 1e9))).toBe(0);
});
