import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { parseTemplate } from './template.ts';
import { TemplateFault } from './template-fault.ts';
import { GoFloat, struct } from './values.ts';

/** What docker 28.5 was seen to print, or to complain, of this volume. */
const volume = struct('volume.Volume', {
  ClusterVolume: undefined,
  CreatedAt: '2026-01-02T03:04:05Z',
  Driver: 'local',
  Labels: { b: '2', a: '<1>' },
  Mountpoint: '/m',
  Name: 'v',
  Options: {},
  Scope: 'local',
  // What was JSON to docker has floats for numbers.
  Status: {
    n: new GoFloat(5),
    f: 2.5,
    s: 'héllo <b>"q"',
    t: true,
    nul: null,
    l: ['x', 'y', new GoFloat(3)],
    m: { k: 'v', z: [new GoFloat(1), new GoFloat(2)] },
    e: [],
    em: {},
    big: new GoFloat(123456789012),
    small: 0.00001,
  },
  UsageData: undefined,
});

const observed: readonly (readonly [template: string, said: string])[] = JSON.parse(
  readFileSync(new URL('./observed.json', import.meta.url), 'utf8'),
);

function said(template: string): string {
  try {
    return parseTemplate(template).render(volume);
  } catch (thrown) {
    if (!(thrown instanceof TemplateFault)) throw thrown;
    return thrown.message;
  }
}

test.each(observed)('%s gives what docker gives', (template, wanted) => {
  expect(said(template)).toBe(wanted);
});

test('a member without a value is an empty map or list to those who look into it', () => {
  const value = struct('T', { Labels: null, List: undefined, Health: null });
  const template =
    '{{.Labels}}|{{index .Labels "a"}}|{{len .Labels}}|{{range .List}}x{{else}}none{{end}}|{{json .Labels}}|{{if .Health}}x{{end}}|{{eq .Health nil}}';
  expect(parseTemplate(template).render(value)).toBe('<nil>||0|none|null||true');
  expect(() => parseTemplate('{{.Health.Status}}').render(value)).toThrow('nil pointer evaluating');
});

test('methods are called with what they want, as fields or behind a pipe', () => {
  const value = struct('T', { Label: (key: string) => `<${key}>`, Names: ['a'] });
  expect(parseTemplate('{{.Label "x"}} {{"y" | .Label}}').render(value)).toBe('<x> <y>');
  expect(() => parseTemplate('{{.Label}}').render(value)).toThrow('wrong number of args for Label: want 1 got 0');
  expect(() => parseTemplate('{{.Label 5}}').render(value)).toThrow('expected string; found 5');
});

test('nobody reaches what a JavaScript object inherits', () => {
  for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty'])
    expect(parseTemplate(`{{.${name}}} {{index . "${name}"}}`).render({ a: 1 })).toBe('<no value> <no value>');
});

test('strictness makes a missing key an error', () => {
  expect(() => parseTemplate('{{.b}}').render({ a: 1 }, { strict: true })).toThrow('map has no entry for key "b"');
  expect(() => parseTemplate('{{range 9}}{{range 9}}{{.}}{{end}}{{end}}').render(null, { maxSteps: 20 })).toThrow(
    'takes more than 20 steps',
  );
});
