import { expect, test } from 'bun:test';
import { Readable } from 'node:stream';
import { commandsFor, group, lazyCommand, lazyGroup, type Program, wholeProgram } from './command.ts';
import { flag, list, number, parseDuration, text } from './flags.ts';
import { Exit, type Io } from './io.ts';
import { runProgram } from './run.ts';

const globals = {
  namespace: text('namespace to use', { alias: 'n', default: 'default', env: 'TEST_NAMESPACE' }),
  debug: flag('more words'),
};
const command = commandsFor<typeof globals>();
const seen: unknown[] = [];

const program: Program = {
  name: 'tool',
  banner: '',
  version: '1.2',
  description: '',
  globals,
  commands: [
    group(
      'images',
      'manage images',
      [
        command({
          name: 'pull',
          summary: 'pull an image',
          args: '<ref>',
          flags: {
            label: list('labels'),
            quiet: flag('say less', { alias: 'q' }),
            tries: number('how often', { default: 3 }),
          },
          run: async ({ args, flags, globals: all, given }) => {
            seen.push({ args, flags, namespace: all.namespace, given: [...given] });
            if (args[0] === 'fail') throw new Error('no such image');
            return args[0] === 'seven' ? 7 : undefined;
          },
        }),
      ],
      { aliases: ['i'] },
    ),
  ],
};

const listed = command({ name: 'ls', summary: 'list', flags: {}, run: async () => 6 });

async function run(argv: readonly string[], env: Record<string, string> = {}, chosen = program) {
  const written = { out: '', err: '' };
  const sink = (name: 'out' | 'err') => ({
    write: async (data: string | Uint8Array) => {
      written[name] += data.toString();
    },
  });
  const io: Io = {
    argv,
    stdin: Readable.from([]),
    stdout: sink('out'),
    stderr: sink('err'),
    env,
    cwd: '/',
    signal: new AbortController().signal,
    onSignal: () => ({ [Symbol.dispose]: () => {} }),
  };
  return { code: await runProgram(chosen, io), ...written };
}

test('flags are read with one dash or two, joined or apart, up to the first word', async () => {
  seen.length = 0;
  await run(['-n', 'other', 'i', 'pull', '--label', 'a=1', '-label=b=2', '-q', '--tries=5', 'ref', '--not-a-flag']);
  expect(seen).toEqual([
    {
      args: ['ref', '--not-a-flag'],
      flags: { label: ['a=1', 'b=2'], quiet: true, tries: 5 },
      namespace: 'other',
      given: ['label', 'quiet', 'tries'],
    },
  ]);
});

test('the environment supplies what the command line does not', async () => {
  seen.length = 0;
  await run(['images', 'pull', 'ref'], { TEST_NAMESPACE: 'fromenv' });
  expect(seen).toEqual([
    { args: ['ref'], flags: { label: [], quiet: false, tries: 3 }, namespace: 'fromenv', given: [] },
  ]);
});

test("exit codes are the command's own, and a thrown error is one line and 1", async () => {
  expect((await run(['images', 'pull', 'seven'])).code).toBe(7);
  expect(await run(['images', 'pull', 'fail'])).toEqual({ code: 1, out: '', err: 'tool: no such image\n' });
});

test('a mistyped command suggests the right one', async () => {
  expect(await run(['imagse'])).toEqual({
    code: 3,
    out: '',
    err: "No help topic for 'imagse'; did you mean 'tool images'?\n",
  });
  expect((await run(['images', 'pul'])).err).toBe("No help topic for 'pul'; did you mean 'tool images pull'?\n");
  expect((await run(['zzzzzz'])).err).toContain("try 'tool --help'");
});

test('an unknown flag names itself and shows the help', async () => {
  const result = await run(['images', 'pull', '--bogus']);
  expect(result.code).toBe(1);
  expect(result.err).toBe('tool: flag provided but not defined: -bogus\n');
  expect(result.out).toContain('tool images pull - pull an image');
});

test('help is there at every level and a value that is no number is refused', async () => {
  for (const argv of [['-h'], ['help'], ['images', '-h'], ['images', 'pull', '-h'], ['help', 'images', 'pull']]) {
    const result = await run(argv);
    expect(result.code).toBe(0);
    expect(result.out).toStartWith('NAME:\n   tool');
  }
  expect((await run(['images', 'pull', '--tries', 'many'])).err).toContain('invalid value "many" for flag -tries');
});

test('durations are read as Go writes them', () => {
  expect([parseDuration('1h2m3s'), parseDuration('300ms'), parseDuration('1.5s'), parseDuration('-2m')]).toEqual([
    3_723_000, 300, 1500, -120_000,
  ]);
  expect(() => parseDuration('5 parsecs')).toThrow('invalid duration');
});

test('Exit carries its own code', () => {
  expect(new Exit(4).code).toBe(4);
});

test('what a command line does not choose is not imported, neither for help nor for another command', async () => {
  const imported: string[] = [];
  const lazy: Program = {
    ...program,
    commands: [
      lazyCommand('run', 'run it', async () => {
        imported.push('run');
        return { default: (name, summary) => command({ name, summary, flags: {}, run: async () => 5 }) };
      }),
      lazyGroup(
        'images',
        'manage images',
        async () => {
          imported.push('images');
          return { default: [listed], flags: { store: list('where') } };
        },
        { aliases: ['i'] },
      ),
    ],
  };
  const help = await run(['--help'], {}, lazy);
  expect(help.out).toMatch(/ {3}run +run it\n {3}images, i +manage images\n/);
  expect((await run(['imagse'], {}, lazy)).err).toContain("did you mean 'tool images'?");
  expect(imported).toEqual([]);
  expect((await run(['run'], {}, lazy)).code).toBe(5);
  expect(imported).toEqual(['run']);
  expect((await run(['i', '--store', 'here', 'ls'], {}, lazy)).code).toBe(6);
  expect((await run(['help', 'images'], {}, lazy)).out).toContain('--store value');
  expect((await wholeProgram(lazy)).commands.map(({ commands }) => commands.map(({ name }) => name))).toEqual([
    [],
    ['ls'],
  ]);
});
