import { expect, test } from 'bun:test';
import { failedPrecondition } from '#base/errors';
import { silent } from '#base/log';
import type { Container } from '#core/containers/containers';
import type { Runtime } from '#core/runtime/runtime';
import type { TaskAttendant } from '#core/runtime/task-attendant';
import { scopeOf } from '#core/scope';
import { createAttended } from './attended.ts';

const scope = scopeOf('ns');
const any = (text: string) => ({ typeUrl: 'spec', value: Buffer.from(text) });
const container = { id: 'c', spec: any('own') } as unknown as Container;

/** An attendant that adds a word to the spec; all notes go to `notes`. */
const attendant = (notes: string[], word: string, ready: () => Promise<void> = async () => {}): TaskAttendant => ({
  attend: async (_, { spec }) => {
    notes.push(`attend ${word}`);
    return {
      spec: any(`${Buffer.from(spec.value)} ${word}`),
      ready: ready(),
      created: (pid) => void notes.push(`created ${word} ${pid}`),
      abandon: async () => void notes.push(`abandon ${word}`),
    };
  },
});

function subject(...attendants: TaskAttendant[]) {
  const calls: string[] = [];
  const runtime = new Proxy({} as Runtime, { get: (_, name: string) => async () => void calls.push(name) });
  const create = async ({ value }: { readonly value: Uint8Array }) => {
    calls.push(`create ${Buffer.from(value)}`);
    return { pid: 5 };
  };
  return {
    calls,
    run: (make = create) => createAttended({ attendants, runtime, log: silent }, scope, container, make),
  };
}

test('who has nothing to do costs nothing, and the others see what was made of the spec before them', async () => {
  const notes: string[] = [];
  const { calls, run } = subject({ attend: () => undefined }, attendant(notes, 'a'), attendant(notes, 'b'));
  expect(await run()).toEqual({ pid: 5 });
  expect(calls).toEqual(['create own a b']);
  expect(notes).toEqual(['attend a', 'attend b', 'created a 5', 'created b 5']);
});

test('a task whose attendant fails is taken down, and everything is undone', async () => {
  const notes: string[] = [];
  const { calls, run } = subject(
    attendant(notes, 'a'),
    attendant(notes, 'b', async () => {
      throw failedPrecondition('no cable');
    }),
  );
  await expect(run()).rejects.toThrow('no cable');
  expect(calls).toEqual(['create own a b', 'wait', 'kill', 'delete']);
  expect(notes).toEqual(['attend a', 'attend b', 'abandon a', 'abandon b']);
});

test('without a task attendants are told to undo what they did; a refusal comes before there is one', async () => {
  const notes: string[] = [];
  const failing = subject(attendant(notes, 'a'));
  await expect(
    failing.run(async () => {
      throw failedPrecondition('no runtime');
    }),
  ).rejects.toThrow('no runtime');
  expect(failing.calls).toEqual([]);
  const refused = subject(attendant(notes, 'b'), { attend: () => Promise.reject(failedPrecondition('taken')) });
  await expect(refused.run()).rejects.toThrow('taken');
  expect(refused.calls).toEqual([]);
  expect(notes).toEqual(['attend a', 'abandon a', 'attend b', 'abandon b']);
});
