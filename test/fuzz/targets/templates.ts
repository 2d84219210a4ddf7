import { goSprintf } from '#lib/go-template/printf';
import { parseTemplate } from '#lib/go-template/template';
import { TemplateFault } from '#lib/go-template/template-fault';
import { struct } from '#lib/go-template/values';
import { type FuzzTarget, holds, textOf } from '../target.ts';

const value = struct('fuzz.Value', {
  Name: 'näme',
  Labels: { a: '1', b: '<2>' },
  List: ['x', 1, null, { k: [2.5] }],
  Number: 42,
  Missing: undefined,
  Yes: true,
  Label: (key: string) => `label ${key}`,
});

/** Go's templates: whatever is written, it gives a text or says what is wrong with it, in bounded time. */
export const templates: FuzzTarget = {
  name: 'templates',
  maxMs: 1_000,
  words: [
    '{{',
    '}}',
    '{{- ',
    ' -}}',
    '{{end}}',
    '{{else}}',
    '{{else if ',
    '{{range ',
    '{{with ',
    '{{if ',
    '{{define "a"}}',
    '{{template "a" .}}',
    '{{block "a" .}}',
    '{{break}}',
    '$x := ',
    '$x',
    '.Name',
    '.Labels',
    '.List',
    '.Label "a"',
    'printf "%v" ',
    '%-*.[1]2q',
    '%#v',
    'index ',
    'slice ',
    'len ',
    'eq ',
    'and ',
    '| json',
    'join ',
    '(',
    ')',
    '/* */',
    '`',
    '"\\x41"',
    "'\\n'",
    '0x1p4',
    'nil',
  ],
  run(bytes) {
    const text = textOf(bytes);
    goSprintf(text.slice(0, 200), ['text', 5, 2.5, true, null, ['a', 1], { k: 'v' }]);
    for (const strict of [false, true]) {
      try {
        parseTemplate(text).render(value, { strict, maxSteps: 20_000 });
      } catch (thrown) {
        if (!(thrown instanceof TemplateFault)) throw thrown;
        holds('the message begins as Go begins it', thrown.message.startsWith('template: '));
      }
    }
  },
};
