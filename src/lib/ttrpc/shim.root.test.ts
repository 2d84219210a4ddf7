import { expect, test } from 'bun:test';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { classOf } from '#base/errors';
import { connectTtrpc } from './client.ts';
import { serveTtrpc } from './server.ts';
import { readFields, WireWriter } from './wire.ts';

const run = promisify(execFile);

/** Against the other implementation of the protocol: Debian's shim, which needs root. */
test("client and server understand Debian's shim", async () => {
  const bundle = mkdtempSync('/dev/shm/berth-shim-');
  try {
    await using _events = await serveTtrpc(join(bundle, 'c.sock.ttrpc'), {});
    writeFileSync(join(bundle, 'config.json'), '{"ociVersion":"1.0.2"}');
    await run('mkfifo', [join(bundle, 'log')]);
    // The shim waits until somebody reads what it logs.
    await using _log = await open(join(bundle, 'log'), 'r+');
    const id = `b${process.pid}`;
    const args = [
      '-namespace',
      'berth-test',
      '-address',
      join(bundle, 'c.sock'),
      '-publish-binary',
      '/bin/false',
      '-id',
      id,
      'start',
    ];
    const env = { ...process.env, TTRPC_ADDRESS: join(bundle, 'c.sock.ttrpc') };
    const starting = run('containerd-shim-runc-v2', args, { cwd: bundle, env, timeout: 60_000 });
    // Options would come here; it reads to the end.
    starting.child.stdin?.end();
    const { stdout } = await starting;
    const client = await connectTtrpc(stdout.trim());
    const metadata = { 'containerd-namespace-ttrpc': 'berth-test' };
    const call = (method: string, service = 'containerd.task.v2.Task') =>
      client
        .call(service, method, new WireWriter().text(1, id).finish(), { timeoutMs: 60_000, metadata })
        .then((payload) => [...readFields(payload)].map(({ number }) => number), classOf);
    expect(await call('Connect')).toEqual([1]);
    expect(await Promise.all([call('State'), call('Nope'), call('State', 'no.Service')])).toEqual([
      'not_found',
      'not_implemented',
      'not_implemented',
    ]);
    // The answer to the last call may be cut off by the end that it asks for.
    const endings: unknown[] = ['unavailable', []];
    expect(endings).toContainEqual(await call('Shutdown'));
    await client.closed;
  } finally {
    rmSync(bundle, { recursive: true });
  }
}, 120_000);
