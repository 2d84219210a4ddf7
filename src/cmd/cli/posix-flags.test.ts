import { expect, test } from 'bun:test';
import { flag, list, number, text } from './flags.ts';
import { parsePosixFlags } from './posix-flags.ts';

const flags = {
  interactive: flag('', { alias: 'i' }),
  tty: flag('', { alias: 't' }),
  publish: list('', { alias: 'p' }),
  net: text('', { alias: ['network'], default: 'bridge' }),
  hostname: text('', { alias: 'h' }),
  cpus: number('', { env: 'CPUS' }),
  link: list('', { refused: 'not on this system' }),
};
const parse = (words: string, interspersed = true) => parsePosixFlags(flags, words.split(' '), {}, interspersed);

test('letters stand together, the last may take a value, behind it or as the next word', () => {
  expect(parse('-it x').values).toMatchObject({ interactive: true, tty: true });
  expect(parse('-itp80:80 x').values.publish).toEqual(['80:80']);
  expect(parse('-p 80:80 -p=81:81 x')).toMatchObject({ values: { publish: ['80:80', '81:81'] }, rest: ['x'] });
  expect(parse('-h name').values.hostname).toBe('name');
  expect(parse('-i=false x').values.interactive).toBe(false);
});

test('flags are read behind words, unless the words are another program, and not behind --', () => {
  expect(parse('a --tty b')).toMatchObject({ rest: ['a', 'b'], values: { tty: true } });
  expect(parse('-i a --tty b', false)).toMatchObject({ rest: ['a', '--tty', 'b'], values: { tty: false } });
  expect(parse('-i -- --tty').rest).toEqual(['--tty']);
  expect(parse('- x').rest).toEqual(['-', 'x']);
});

test('long names may have a second spelling; a flag never takes the next word', () => {
  expect(parse('--network host --tty x')).toMatchObject({ rest: ['x'], values: { net: 'host' } });
  expect(parse('--net=none').given).toEqual(new Set(['net']));
  expect(parse('--help').help).toBe(true);
  expect(parsePosixFlags(flags, [], { CPUS: '3' }, true).values.cpus).toBe(3);
});

test("what cannot be read is told in docker's words", () => {
  const said = (words: string) => () => parse(words);
  expect(said('--foo')).toThrow('unknown flag: --foo');
  expect(said('--p')).toThrow('unknown flag: --p');
  expect(said('-ix')).toThrow("unknown shorthand flag: 'x' in -ix");
  expect(said('-p')).toThrow("flag needs an argument: 'p' in -p");
  expect(said('--publish')).toThrow('flag needs an argument: --publish');
  expect(said('--cpus no')).toThrow('invalid argument "no" for "--cpus" flag: parse error');
  expect(said('--link x')).toThrow('--link: not on this system');
  expect(said('--tty=maybe')).toThrow('invalid argument "maybe" for "--tty" flag: parse error');
});
