import { expect, test } from 'bun:test';
import { Conveyor } from './conveyor.ts';

test('a layer that becomes complete between two looks is not cut off where the first look saw it', () => {
  // The main thread's stores may come between any two loads of the other one.
  for (let between = 1; between <= 4; between++) {
    const conveyor = new Conveyor();
    conveyor.reset();
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
