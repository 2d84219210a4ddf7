import { afterAll, beforeAll, describe } from 'bun:test';
import { berthMachine } from './berth-machine.ts';
import { cgroupSuite } from './cgroup.suite.ts';
import { confinementSuite } from './confinement.suite.ts';
import type { Machine } from './machine.ts';
import { serviceSuite } from './service.suite.ts';

let machine: Machine | undefined;
const at = () => {
  if (machine === undefined) throw new Error('the machine did not start');
  return machine;
};

beforeAll(async () => {
  machine = await berthMachine('machine');
}, 600_000);
afterAll(() => machine?.[Symbol.asyncDispose]());

describe('control groups, by path', () => cgroupSuite(at, { driver: 'cgroupfs' }));
describe('control groups, by systemd', () => cgroupSuite(at, { driver: 'systemd' }));
describe('confinement', () => confinementSuite(at));
describe('the service', () => serviceSuite(at));
