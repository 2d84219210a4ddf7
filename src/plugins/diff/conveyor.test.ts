import { expect, test } from 'bun:test';
import { Conveyor } from './conveyor.ts';

test('a layer that becomes complete between two looks is not cut off where the first look saw it', () => {
  // The main thread's stores may come between any two loads of the other one.
  for (let between = 1; between <= 4; between++) {
    const conveyor = new Conveyor();
    conveyor.reset(false);
    conveyor.arrived(50);
    const { load } = Atomics;
    let loads = 0;
    Atomics.load = ((array: Int32Array, index: number) => {
      const value = load(array, index);
      if (++loads === between) conveyor.complete(100);
      return value;
    }) as typeof load;
    try {
      const told = conveyor.waitForBytes(0);
      expect([between, told]).toEqual([
        between,
        told?.last ? { size: 100, last: true } : { size: told?.size ?? 0, last: false },
      ]);
    } finally {
      Atomics.load = load;
    }
    expect(conveyor.waitForBytes(100)).toEqual({ size: 100, last: true });
  }
});

test('a slot is filled again when the thread that writes and the thread that hashes have both given it back', () => {
  for (const last of ['untar', 'hash'] as const) {
    const conveyor = new Conveyor();
    conveyor.reset(true);
    for (let n = 0; n < 8; n++) {
      conveyor.freeSlot()!.fill(n);
      conveyor.handOver(n + 1);
    }
    const first = last === 'hash' ? 'untar' : 'hash';
    for (let n = 0; n < 8; n++) {
      expect(conveyor.take(first)).toEqual(new Uint8Array(n + 1).fill(n));
      conveyor.giveBack(first);
    }
    const { wait } = Atomics;
    let waits = 0;
    // Instead of sleeping, the other one takes the slot.
    Atomics.wait = (() => {
      waits += 1;
      expect(conveyor.take(last)).toEqual(new Uint8Array(1).fill(0));
      conveyor.giveBack(last);
      return 'ok';
    }) as unknown as typeof wait;
    try {
      expect(conveyor.freeSlot()).toHaveLength(1 << 19);
    } finally {
      Atomics.wait = wait;
    }
    expect(waits).toBe(1);
  }
});
