import { afterAll, beforeAll, expect, test } from 'bun:test';
import { setTimeout as wait } from 'node:timers/promises';
import { berthMachine } from './berth-machine.ts';
import type { Machine } from './machine.ts';
import { type Acknowledged, acknowledged, startWriters, verifyStore, writersEnd } from './power-cut-writers.ts';

const cuts = Number(process.env.BERTH_VM_CUTS ?? '4');
const imagesPerCut = 3;
const seed = Number(process.env.BERTH_VM_SEED ?? Math.floor(Math.random() * 2 ** 31));
/** How much of what the disk has not flushed it keeps. */
const keptShares = [0.5, 0, 0.9, 1];

/** Of all boots. */
const everything: Acknowledged[] = [];
let machine: Machine | undefined;
const at = () => {
  if (machine === undefined) throw new Error('the machine did not start');
  return machine;
};

beforeAll(async () => {
  machine = await berthMachine('power-cut', { images: cuts * imagesPerCut, install: 'links' });
}, 600_000);
afterAll(() => machine?.[Symbol.asyncDispose]());

for (let cut = 0; cut < cuts; cut++) {
  test(`power cut ${cut + 1}: the store opens, and what was acknowledged is in it (BERTH_VM_SEED=${seed})`, async () => {
    const random = mulberry(seed + cut);
    await startWriters(at(), `c${cut}`, cut * imagesPerCut, imagesPerCut);
    // Counted in what was done, as machines differ in speed, and then somewhere within what is being done.
    const wanted = 2 + Math.floor(random() * 14);
    const late = Date.now() + 300_000;
    while (acknowledged(at().said).length < wanted && Date.now() < late) await wait(20);
    await wait(random() * 3000);
    // Between two writes the disk has nothing to lose; mostly it shall have.
    const risky = random() < 0.8 ? Date.now() + 20_000 : 0;
    while (at().unflushedBytes === 0 && Date.now() < risky) await wait(1);
    const share = keptShares[cut % keptShares.length] ?? 0;
    const fate = await at().powerCut(() => random() < share);
    const said = acknowledged(at().said);
    everything.push(...said);
    console.log(`${said.length} acknowledged; of the disk's cache ${fate.kept} sectors kept, ${fate.lost} lost`);
    await at().boot();
    await at().until('systemctl is-active containerd', 180);
    await verifyStore(at(), everything, said);
  }, 900_000);
}

test('after the last cut everything can go on: what was interrupted is done again', async () => {
  const machine = at();
  await startWriters(machine, 'last', 0, imagesPerCut);
  await machine.until(writersEnd('last'), 300);
  const said = acknowledged(machine.said);
  everything.push(...said);
  expect(said.map(({ kind }) => kind)).toContain('image');
  await verifyStore(machine, everything, said);
}, 900_000);

/** Random numbers by seed. */
function mulberry(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
