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
