import { expect, test } from 'bun:test';
import { type ConfigOf, duration, list, map, number, oneOf, table, text } from '#base/config';
import { definePlugin } from './plugin.ts';
import { every, maybe, one, type Slot, slot } from './slot.ts';

interface Store {
  readonly name: string;
}
const Store: Slot<Store> = slot('test.store.v1');
const Other: Slot<{ readonly count: number }> = slot('test.other.v1');

const config = table({
  policy: oneOf(['shared', 'isolated'], { default: 'shared' }),
  wait: duration({ default: '2s' }),
  hosts: list(text()),
  limits: map(number()),
});

test('a plugin receives its configuration and its needs typed', () => {
  const plugin = definePlugin({
    slot: Store,
    id: 'x',
    config,
    needs: { store: one(Store), others: every(Other), extra: maybe(Other, 'y') },
    start({ config }, { store, others, extra }) {
      const policy: 'shared' | 'isolated' = config.policy;
      const wait: number = config.wait;
      const hosts: readonly string[] = config.hosts;
      const limit: number | undefined = config.limits.a;
      const count: number | undefined = others.get('y')?.count ?? extra?.count;
      // @ts-expect-error the slot's type has no such member
      store.missing;
      // @ts-expect-error a maybe may be absent
      extra.count;
      // @ts-expect-error configuration is read-only
      config.wait = 1;
      return { name: `${policy}${wait}${hosts}${limit}${count}${store.name}` };
    },
  });
  expect(plugin.needs).toMatchObject({
    store: { mode: 'one', uri: 'test.store.v1' },
    extra: { mode: 'maybe', id: 'y' },
  });
});

test('a wrong default, a wrong value and a wrong slot are compile errors', () => {
  // @ts-expect-error not one of the words
  oneOf(['a', 'b'], { default: 'c' });
  // @ts-expect-error a number is no string
  text({ default: 1 });
  // @ts-expect-error what is returned must be what the slot carries
  definePlugin({ slot: Store, id: 'x', start: () => ({ count: 1 }) });
  const parsed: ConfigOf<typeof config> = config.fallback;
  expect(parsed).toEqual({ policy: 'shared', wait: 2000, hosts: [], limits: {} });
});
