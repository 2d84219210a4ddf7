import { afterAll, beforeAll, expect, test } from 'bun:test';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BusyboxDaemon, startBusyboxDaemon } from '#test/support/busybox-daemon';
import { ctrAt, walkSteps } from '#test/support/ctr-steps';
import { run } from '#test/support/daemon';

const open = new AsyncDisposableStack();
let on: BusyboxDaemon;
let env: Readonly<Record<string, string>> = {};
let leases = '';
beforeAll(async () => {
  on = open.use(await startBusyboxDaemon());
  const bridge = `cni-${on.scope.namespace.slice(-8)}`;
  // The bridge plugin leaves its bridge for the next container.
  open.defer(async () => void (await run('ip', ['link', 'delete', bridge])));
  leases = join(on.daemon.directory, 'leases');
  const conf = join(on.daemon.directory, 'net.d');
  mkdirSync(conf);
  const ipam = { type: 'host-local', ranges: [[{ subnet: '10.254.77.0/24' }]], dataDir: leases };
  const plugins = [{ type: 'bridge', bridge, isGateway: true, ipam }];
  writeFileSync(join(conf, '10-net.conflist'), JSON.stringify({ cniVersion: '1.0.0', name: 'net', plugins }));
  env = { PATH: process.env.PATH ?? '', NETCONFPATH: conf, CNI_PATH: '/opt/cni/bin:/usr/lib/cni' };
}, 120_000);
afterAll(() => open.disposeAsync(), 120_000);

/** Addresses that are given away. */
const held = () =>
  existsSync(join(leases, 'net')) ? readdirSync(join(leases, 'net')).filter((name) => /^\d/.test(name)) : [];

test('a container has an address on the network, and gives it back however it goes', async () => {
  const ctr = ctrAt(on.daemon.address, on.scope.namespace);
  const id = `${on.scope.namespace}-net`;
  await walkSteps(
    ctr,
    [[`run --rm --cni busybox ${id} busybox ip -4 addr show eth0`, 0, /inet 10\.254\.77\.\d+\/24/]],
    { env },
  );
  expect(held()).toEqual([]);
  await walkSteps(ctr, [[`run -d --cni busybox ${id} sleep 1000`, 0]], { env });
  expect(held()).toHaveLength(1);
  await walkSteps(ctr, [[`tasks rm -f ${id}`, 0, undefined, /137/]], { env });
  expect(held()).toEqual([]);
  await walkSteps(ctr, [[`tasks start -d ${id}`, 0]], { env });
  expect(held()).toHaveLength(1);
  await walkSteps(ctr, [[`tasks kill -s 9 ${id}`, 0]], { env });
  while ((await on.client.tasks.state(on.scope, id, '')).status !== 'stopped') await Bun.sleep(20);
  await walkSteps(ctr, [[`containers rm ${id}`, 0]], { env });
  expect(held()).toEqual([]);
}, 120_000);

test('without a network nothing is started, and nothing stays', async () => {
  const ctr = ctrAt(on.daemon.address, on.scope.namespace);
  const id = `${on.scope.namespace}-none`;
  await walkSteps(ctr, [[`run --rm --cni busybox ${id} true`, 1, undefined, /no network config found/]], {
    env: { ...env, NETCONFPATH: on.daemon.directory },
  });
  expect(await on.client.containers.list(on.scope)).toEqual([]);
}, 120_000);
