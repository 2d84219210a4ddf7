import { expect, test } from 'bun:test';
import { notFound } from '#base/errors';
import { struct } from '#lib/go-template/values';
import { runProgramForTest } from '#test/support/run-program';
import { commandsFor } from '../../cli/command.ts';
import { flag, text } from '../../cli/flags.ts';
import { inspectEach } from './inspect.ts';
import { type ListSpec, printList } from './list.ts';

interface Row {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

const spec: ListSpec<Row> = {
  type: '*formatter.ContainerContext',
  columns: {
    ID: { heading: 'CONTAINER ID', value: ({ id }) => id },
    Names: { heading: 'NAMES', value: ({ name }) => name },
  },
  table: 'table {{.ID}}\t{{.Names}}',
  quiet: '{{.ID}}',
  named: { wide: 'table {{.ID}}\t{{.Names}}\t{{.Label "a"}}' },
  labels: ({ labels }) => labels,
};

const rows: readonly Row[] = [
  { id: 'a4f4bc5380f7', name: 'done', labels: {} },
  { id: 'c50af95642c4', name: '日本', labels: { a: 'x', 'a.b-c_d': 'y' } },
];

const object = struct('types.Thing', {
  Id: '1',
  Html: '<&>',
  State: struct('types.State', { Running: true, Health: undefined }),
  Labels: { b: '2', a: '1' },
});

const found = async (word: string) => {
  if (word !== 'nope') return object;
  throw notFound(`No such object: ${word}`);
};

const program = {
  name: 'p',
  banner: '',
  version: '',
  description: '',
  globals: {},
  commands: [
    commandsFor<Record<never, never>>()({
      name: 'ls',
      summary: '',
      flags: { format: text(''), quiet: flag('') },
      run: async ({ io, flags, args }) => {
        await printList(io, spec, args[0] === 'none' ? [] : rows, flags);
        return 0;
      },
    }),
    commandsFor<Record<never, never>>()({
      name: 'inspect',
      summary: '',
      flags: { format: text('') },
      run: ({ io, flags, args }) => inspectEach(io, flags.format, args, found),
    }),
  ],
};

const list = async (format: string, ...more: readonly string[]) => {
  const { out, err, code } = await runProgramForTest(program, ['ls', '--format', format, ...more]);
  return code === 0 ? out + err : `${code} ${out}${err}`;
};
const inspect = async (format: string, ...words: readonly string[]) =>
  runProgramForTest(program, ['inspect', '--format', format, ...words]);

test("a list is docker's table, as wide as a terminal shows it", async () => {
  const table = 'CONTAINER ID   NAMES\na4f4bc5380f7   done\nc50af95642c4   日本\n';
  expect([await list(''), await list('table'), await list('table {{.ID}}\\t{{.Names}}')]).toEqual([
    table,
    table,
    table,
  ]);
  expect(await list('wide')).toBe(
    'CONTAINER ID   NAMES     a\na4f4bc5380f7   done      \nc50af95642c4   日本      x\n',
  );
  expect(await list('', 'none')).toBe('CONTAINER ID   NAMES\n');
});

test('a heading is changed by no function, and one of a label is its last word', async () => {
  expect(await list('table {{lower .ID}} {{upper .Names}} {{json .Names}} {{.Label "a.b-c_d"}}', 'none')).toBe(
    'CONTAINER ID NAMES NAMES b c d\n',
  );
});

test('a template makes a line of each row, json an object', async () => {
  expect(await list('{{.Names}}={{.Label "a"}}\\n')).toBe('done=\n\n日本=x\n\n');
  const objects = '{"ID":"a4f4bc5380f7","Names":"done"}\n{"ID":"c50af95642c4","Names":"日本"}\n';
  expect([await list('json'), await list('{{json .}}')]).toEqual([objects, objects]);
});

test('quiet prints ids, and says that a format is not looked at', async () => {
  expect(await list('', '--quiet')).toBe('a4f4bc5380f7\nc50af95642c4\n');
  expect(await list('{{.Names}}', '--quiet')).toBe(
    'a4f4bc5380f7\nc50af95642c4\nWARNING: Ignoring custom format, because both --format and --quiet are set.\n',
  );
});

test("what is wrong with a list's template is told in docker's words, and nothing is printed before", async () => {
  expect(await list('{{.ID')).toBe('1 failed to parse template: template: :1: unclosed action\n');
  expect(await list('{{.Nope}}')).toBe(
    '1 failed to execute template: template: :1:2: executing "" at <.Nope>: can\'t evaluate field Nope in type *formatter.ContainerContext\n',
  );
  expect(await list('raw')).toBe('1 unsupported format: "raw"\n');
});

test('inspect prints a list of JSON without escapes for HTML, on one line when asked for', async () => {
  expect((await inspect('', 'x')).out).toBe(`[
    {
        "Id": "1",
        "Html": "<&>",
        "State": {
            "Running": true
        },
        "Labels": {
            "a": "1",
            "b": "2"
        }
    }
]
`);
  expect((await inspect('json', 'x', 'y')).out).toBe(
    `[${Array(2).fill('{"Id":"1","Html":"<&>","State":{"Running":true},"Labels":{"a":"1","b":"2"}}').join(',')}]\n`,
  );
});

test('inspect with a template prints a line of each, and falls back to the names in the JSON', async () => {
  expect((await inspect('{{.Id}} {{.State}} {{index .Labels "a"}}', 'x', 'y')).out).toBe(
    '1 {true <nil>} 1\n1 {true <nil>} 1\n',
  );
  expect(await inspect('{{.State.Health.Status}}', 'x')).toEqual({
    code: 1,
    out: '\n',
    err: 'template parsing error: template: :1:8: executing "" at <.State.Health.Status>: map has no entry for key "Health"\n',
  });
  expect(await inspect('{{', 'x')).toEqual({
    code: 64,
    out: '',
    err: 'template parsing error: template: :1: unclosed action\n',
  });
});

test('inspect prints what there is, tells of what is not there, and ends with 1', async () => {
  expect(await inspect('{{.Id}}', 'nope', 'x')).toEqual({ code: 1, out: '1\n', err: 'Error: No such object: nope\n' });
  expect(await inspect('', 'nope')).toEqual({ code: 1, out: '[]\n', err: 'Error: No such object: nope\n' });
});
