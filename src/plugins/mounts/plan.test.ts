import { expect, test } from 'bun:test';
import type { ActivateOptions, ActiveMount } from '#core/mounts/mounts';
import { formatMount } from './format.ts';
import { parseSize } from './mkfs.ts';
import { planMounts } from './plan.ts';

const of = (type: string) => ({ type, source: 's', target: '', options: [] });

/** Types as `ours | theirs`, with steps before them. */
function shown(types: string, options: ActivateOptions = {}): string {
  const plan = planMounts(types.split(' ').map(of), new Set(['loop', 'erofs']), options);
  if (plan === undefined) return 'nothing';
  const text = ({ mount, steps }: (typeof plan.ours)[number]) => [...steps, mount.type].join('>');
  return `${plan.ours.map(text).join(' ')} | ${plan.theirs.map(text).join(' ')}`;
}

test('work is divided at the last mount that needs the daemon', () => {
  expect(shown('bind')).toBe('nothing');
  expect(shown('overlay bind ext4')).toBe('nothing');
  expect(shown('loop')).toBe('loop | ');
  expect(shown('loop ext4')).toBe('loop | ext4');
  expect(shown('mkfs/loop format/ext4 format/mkdir/overlay')).toBe('mkfs>loop format>ext4 | format>mkdir>overlay');
  expect(shown('bind format/overlay bind')).toBe('bind | format>overlay bind');
  expect(shown('mkdir/bind')).toBe(' | mkdir>bind');
  expect(shown('mkdir/format/bind')).toBe(' | format>mkdir>bind');
  expect(shown('other/bind')).toBe('nothing');
  expect(shown('ext4 overlay', { temporary: true })).toBe('ext4 overlay | ');
});

test('what the caller does is left to the caller', () => {
  expect(shown('loop ext4', { callerDoes: ['loop'] })).toBe('nothing');
  expect(shown('erofs format/mkdir/overlay', { callerDoes: ['erofs', 'format/*', 'mkdir/*'] })).toBe('nothing');
  expect(shown('erofs format/mkdir/overlay', { callerDoes: ['erofs', 'format/*'] })).toBe(
    'erofs | format>mkdir>overlay',
  );
  expect(shown('mkfs/ext4 loop bind', { callerDoes: ['mkfs/ext4'] })).toBe('mkfs>ext4 loop | bind');
  expect(shown('loop bind mkfs/ext4', { callerDoes: ['mkfs/*'] })).toBe('loop | bind mkfs/ext4');
});

const made = (source: string, mountPoint: string): ActiveMount => ({
  mount: { type: 'x', source, target: `t-${source}`, options: [] },
  mountedAt: { seconds: 0, nanos: 0 },
  mountPoint,
  data: {},
});
const before = [made('a', '/m/0'), made('b', '/m/1'), made('c', '/m/2')];
const filled = (source: string) => formatMount({ ...of('x'), source, options: [source] }, before);

test('templates are filled in with what was made before', () => {
  expect(filled('{{ mount 0 }}/upper')).toEqual({ ...of('x'), source: '/m/0/upper', options: ['/m/0/upper'] });
  const cases = [
    ['{{source 1}}', 'b'],
    ['{{ target 2 }}', 't-c'],
    ['lowerdir={{ overlay 0 2 }}', 'lowerdir=/m/0:/m/1:/m/2'],
    ['lowerdir={{ overlay 2 1 }}:/x', 'lowerdir=/m/2:/m/1:/x'],
    ['a {{- mount 0 -}} b', 'a/m/0b'],
    ['{{ mount 0 }}{{ mount 1 }}', '/m/0/m/1'],
    ['no template', 'no template'],
  ];
  for (const [text = '', value] of cases) expect(filled(text).source).toBe(value as string);
});

test('what is no template, and what was not made, is refused', () => {
  for (const text of [
    '{{ mount 3 }}',
    '{{ mount -1 }}',
    '{{ mount }}',
    '{{ mount 0 1 }}',
    '{{ overlay 0 }}',
    '{{ exec 0 }}',
    '{{}}',
    '{{ overlay 0 9 }}',
    '{{ mount x }}',
    '{{ overlay 0 999999999 }}',
  ])
    expect(() => filled(text)).toThrow(/invalid argument/);
});

test('what is made to be looked through again and again is looked through once', () => {
  for (const text of ['{{'.repeat(500_000), `${' '.repeat(500_000)}{`, ' {{'.repeat(300_000)])
    expect(filled(text).source).toBe(text);
});

test('sizes are read as people write them', () => {
  expect(['1', '1k', '100MiB', '1 GB', '1.5m', '2gib'].map(parseSize)).toEqual([
    1,
    1024,
    100 * 2 ** 20,
    2 ** 30,
    1.5 * 2 ** 20,
    2 ** 31,
  ]);
  for (const text of ['', '0', 'm', '-1', '1x', '1e9', '99999999999999999p'])
    expect(() => parseSize(text)).toThrow(/size/);
});
