import { expect, test } from 'bun:test';
import { runProgramForTest } from '#test/support/run-program';
import { commandsFor, group, type WholeProgram } from './command.ts';
import { completion, shells } from './completion.ts';
import { completionCommand } from './completion-command.ts';
import { flag, text } from './flags.ts';
import { manualPages } from './manual.ts';
import { type NamesRequest, namesCommand } from './names-command.ts';

const globals = { namespace: text('name space', { alias: 'n', default: 'x', completes: 'spaces' }) };
const command = commandsFor<typeof globals>();
const asked: NamesRequest[] = [];
let answer = async (request: NamesRequest): Promise<readonly string[]> => {
  asked.push(request);
  return ['plain:v1@sha256:00', 'two words', '$(touch /tmp/x)', 'semi;colon', ''];
};
const program: WholeProgram = {
  name: 'tool',
  banner: '',
  version: '1',
  description: "Does 'things'. And more.\n\n   .Not a request\n   back\\slash",
  globals,
  commands: [
    group(
      'things',
      "it's about things",
      [
        command({
          name: 'rm',
          summary: 'remove',
          args: '<thing>',
          completes: ['things...'],
          flags: { force: flag('at once') },
          run: async () => 0,
        }),
      ],
      { aliases: ['t'], flags: { store: text('where') } },
    ),
    completionCommand('tool', () => program),
    namesCommand(
      () => program,
      (request) => answer(request),
    ),
  ],
};

test('names that could mean something to a shell are not offered', async () => {
  const { code, out } = await runProgramForTest(program, ['__names', 'things', '-n', 'one', 't', '--store=s', 'rm']);
  expect({ code, out }).toEqual({ code: 0, out: '=plain:v1@sha256:00\n' });
  expect(asked[0]).toMatchObject({ kind: 'things', flags: { namespace: 'one', store: 's', force: false } });
});

test('a flag whose value is being typed, or one that does not exist, does no harm', async () => {
  for (const words of [['-n'], ['t', '--nonsense', 'x'], ['nothing', 'known']]) {
    asked.length = 0;
    expect((await runProgramForTest(program, ['__names', 'spaces', ...words])).code).toBe(0);
    expect(asked[0]?.flags).toMatchObject({ namespace: 'x' });
  }
});

test('who answers late, or not, is not waited for', async () => {
  const before = answer;
  try {
    answer = () => Promise.reject(new Error('nobody there'));
    expect(await runProgramForTest(program, ['__names', 'things'])).toEqual({ code: 0, out: '', err: '' });
    answer = () => new Promise(() => {});
    expect(await runProgramForTest(program, ['__names', 'things'])).toEqual({ code: 0, out: '', err: '' });
  } finally {
    answer = before;
  }
});

test('each shell has its script, and bash finds no fault with its own', async () => {
  for (const shell of shells) {
    const { code, out } = await runProgramForTest(program, ['completion', shell]);
    expect({ code, out }).toEqual({ code: 0, out: completion(program, shell) });
    expect(out).toContain('things');
    expect(out.match(/__names/g)).toHaveLength(1); // itself a command that is not shown
  }
  expect(Bun.spawnSync(['bash', '-n'], { stdin: Buffer.from(completion(program, 'bash')) }).exitCode).toBe(0);
  expect(await runProgramForTest(program, ['completion', 'csh'])).toMatchObject({ code: 1, out: '' });
  expect((await runProgramForTest(program, ['--help'])).out).not.toContain('__names');
});

test('the manual says what help says, and nothing in it is taken for a request', () => {
  const pages = manualPages(program, { source: 'tool 1', date: '2026-01-02' });
  expect([...pages.keys()]).toEqual(['tool.8', 'tool-things.8', 'tool-completion.8']);
  const [page = '', things = ''] = [pages.get('tool.8'), pages.get('tool-things.8')];
  expect(page).toContain('.TH TOOL 8 "2026-01-02" "tool 1"');
  expect(page).toContain('\n\\&.Not a request\n');
  expect(page).toContain('back\\eslash');
  expect(page).toContain('.B \\-\\-namespace value, \\-n value');
  expect(things).toContain('.SS "rm"');
  expect(things).toContain('Also called t.');
  expect([...page.split('\n'), ...things.split('\n')].filter((line) => line.length > 100)).toEqual([]);
});
