import { expect, test } from 'bun:test';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { PortBook } from './port-book.ts';

const port = (hostPort: number, hostIp = '', protocol: 'tcp' | 'udp' = 'tcp') => ({
  hostIp,
  hostPort,
  containerPort: 80,
  protocol,
});
const book = () => new PortBook(() => new Set());

test('ports are chosen, held against everybody, and given back', async () => {
  using ports = book();
  const [first, second] = ports.take('a', [port(0), port(0, '127.0.0.1')]);
  expect(first?.hostPort).toBeGreaterThanOrEqual(49_153);
  expect(second?.hostPort).not.toBe(first?.hostPort);
  const taken = `Bind for 0.0.0.0:${first?.hostPort} failed: port is already allocated`;
  expect(() => ports.take('b', [port(first?.hostPort ?? 0)])).toThrow(taken);
  expect(() => ports.take('b', [port(first?.hostPort ?? 0, '::1')])).toThrow('Bind for [::1]:');
  ports.take('b', [port(first?.hostPort ?? 0, '', 'udp')]);
  const server = createServer();
  server.listen(first?.hostPort, '127.0.0.1');
  expect(String((await once(server, 'error'))[0])).toContain('EADDRINUSE');
  ports.give('a');
  expect(ports.take('c', [port(first?.hostPort ?? 0)])).toEqual([port(first?.hostPort ?? 0)]);
});

test('all are taken or none', () => {
  using ports = book();
  const [{ hostPort } = { hostPort: 0 }] = ports.take('a', [port(0)]);
  const free = hostPort + 1000;
  expect(() => ports.take('b', [port(free), port(hostPort)])).toThrow('already allocated');
  expect(ports.take('c', [port(free)])).toHaveLength(1);
  expect(() => ports.take('d', [port(80, '192.0.2.1')])).toThrow(
    'Bind for 192.0.2.1:80 failed: cannot assign requested address',
  );
});
