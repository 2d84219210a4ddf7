import { expect, test } from 'bun:test';
import { lazyService } from './lazy-service.ts';

interface Letters {
  say(word: string): Promise<string>;
  spell(word: string): AsyncIterable<string>;
}

function lazyLetters(broken?: Error) {
  const log: string[] = [];
  const letters = lazyService<Letters>(
    async () => {
      log.push('load');
      if (broken !== undefined) throw broken;
      return {
        say: async (word) => {
          log.push(`say ${word}`);
          return word.toUpperCase();
        },
        spell: (word) => {
          log.push(`spell ${word}`);
          return (async function* () {
            yield* word;
          })();
        },
      };
    },
    { say: 'promise', spell: 'stream' },
  );
  return { letters, log };
}

test('nothing is loaded before the first call, and then once', async () => {
  const { letters, log } = lazyLetters();
  expect(log).toEqual([]);
  expect(await Promise.all([letters.say('one'), letters.say('two')])).toEqual(['ONE', 'TWO']);
  expect(await letters.say('three')).toBe('THREE');
  expect(log).toEqual(['load', 'say one', 'say two', 'say three']);
});

test('calls arrive in their order, and that for a stream though nobody reads it yet', async () => {
  const { letters, log } = lazyLetters();
  const spelled = letters.spell('ab');
  await letters.say('later');
  expect(log).toEqual(['load', 'spell ab', 'say later']);
  expect(await Array.fromAsync(spelled)).toEqual(['a', 'b']);
});

test('a service that cannot be loaded fails its calls and the readers of its streams', async () => {
  const { letters } = lazyLetters(new Error('no such file'));
  const spelled = letters.spell('ab');
  await expect(letters.say('one')).rejects.toThrow('no such file');
  await expect(Array.fromAsync(spelled)).rejects.toThrow('no such file');
});
