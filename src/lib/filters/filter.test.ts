import { expect, test } from 'bun:test';
import { classOf, messageOf } from '#base/errors';
import { type Adaptor, absent, field, mapField, parseFilters } from './filter.ts';

const image: Adaptor = (path) => {
  const [head, ...rest] = path;
  if (head === 'name') return field('docker.io/library/bb:latest');
  if (head === 'labels') return mapField(rest, { 'a.b/c': 'x', plain: '', 'a.b': 'two, words' });
  return absent;
};
const matches = (...filters: string[]) => parseFilters(filters).match(image);

/** The same numbers at every run: a failure can be repeated. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 48271) % 2147483647;
    return (state >>> 8) % below;
  };
}

function errorOf(text: string): string {
  try {
    parseFilters([text]);
  } catch (thrown) {
    expect(classOf(thrown)).toBe('invalid_argument');
    return messageOf(thrown)
      .replace(/^filters: parse error: /, '')
      .replace(/: invalid argument$/, '');
  }
  throw new Error(`no error for ${JSON.stringify(text)}`);
}

test('conditions hold as containerd has them', () => {
  const table: [string, boolean][] = [
    ['name', true],
    ['name. x', true],
    ['nosuch', false],
    ['name==docker.io/library/bb:latest', true],
    ['"name"==docker.io/library/bb:latest', true],
    ['name == docker.io/library/bb:latest', true],
    ['name\n==\n"docker.io/library/bb:latest"', true],
    ['name=="docker.io/library\\x2fbb:latest"', true],
    ['name=="docker.io/library\\057bb\\u003alatest"', true],
    ['name==x', false],
    ['name!=x', true],
    ['nosuch!=x', true],
    ['nosuch!=""', false],
    ['nosuch==""', false],
    ['nosuch~=""', true],
    ['nosuch~="^$"', true],
    ['name~=bb', true],
    ['name~=^docker', true],
    ['name~=/\\/lib/', true],
    ['name~=|\\||', true],
    ['name~=|^docker\\\\.io/|', true],
    ['name~=(?i)DOCKER', true],
    ['name~=(?P<x>do)', true],
    ['name~=(', false],
    ['name~=(?=d)', false],
    ['labels.a.b==x', false],
    ['labels.a.b=="two, words"', true],
    ['labels."a.b/c"==x', true],
    ['labels.a."b/c"==x', true],
    ['labels.plain', true],
    ['labels.plain==""', true],
    ['labels.none', false],
    ['labels.__proto__', false],
    ['labels.toString', false],
    ['name,labels.plain', true],
    ['name,nosuch', false],
  ];
  for (const [text, wanted] of table) expect([text, matches(text)]).toEqual([text, wanted]);
});

test('several filters are alternatives, and none or an empty one match all', () => {
  expect(matches('nosuch', 'name')).toBe(true);
  expect(matches('nosuch', 'name==x')).toBe(false);
  expect(matches()).toBe(true);
  expect(matches('')).toBe(true);
  expect(matches('nosuch', '')).toBe(true);
});

test('values may hold anything but commas and spaces', () => {
  const value = (text: string) => {
    const [[selector] = []] = parseFilters([text]).alternatives;
    return selector?.operator === '==' ? selector.value : undefined;
  };
  expect(value('a==x.y=z!~/|"q"')).toBe('x.y=z!~/|"q"');
  expect(value('a==é👍')).toBe('é👍');
  expect(value('a=="é\\xc3\\xa9\\a\\b\\f\\n\\r\\t\\v\\\\\\"\\U0001f44d"')).toBe('éé\x07\b\f\n\r\t\v\\"👍');
  expect(value('a==\\x')).toBe('\\x');
});

test("errors name the place and what was expected, in containerd's words", () => {
  const operator = 'expected an operator ("=="|"!="|"~=")';
  const table: [string, string][] = [
    ['name==', '[name==]: expected value or quoted'],
    ['name== ', '[name== ]: expected value or quoted'],
    ['==x', '[ >|=|< =x]: expected field or quoted'],
    ['name=x', '[name >|=|< x]: unsupported operator "="'],
    ['name===x', '[name >|=|< ==x]: unsupported operator "==="'],
    ['name==~x', '[name >|=|< =~x]: unsupported operator "==~"'],
    ['name~', '[name >|~|< ]: unsupported operator "~"'],
    ['name==foo,', '[name==foo,]: expected field or quoted'],
    [',name', '[ >|,|< name]: expected field or quoted'],
    [' ', '[ ]: expected field or quoted'],
    ['a==b,,c', '[a==b, >|,|< c]: expected field or quoted'],
    ['a..b', '[a. >|.|< b]: expected field or quoted'],
    ['name==,name', '[name== >|,|< name]: expected value or quoted'],
    ['name==.x', '[name== >|.|< x]: expected value or quoted'],
    ['name==x y', '[name==x >| |< y]: unexpected input:  '],
    ['name==x ,name', '[name==x >| |< ,name]: unexpected input:  '],
    ['name=="a"b', '[name=="a" >|b|< ]: unexpected input: b'],
    ['name~=/a/b/', '[name~=/a/ >|b|< /]: unexpected input: b'],
    ['foo bar', `[foo  >|b|< ar]: ${operator}`],
    ['name .x', `[name  >|.|< x]: ${operator}`],
    ['nämé==x', `[n >|ä|< mé==x]: ${operator}`],
    ['"":x', `["" >|:|< x]: ${operator}`],
    ['name=="fo', '[name== >|"|< fo]: quoted literal not terminated'],
    ['name==/x', '[name== >|/|< x]: quoted literal not terminated'],
    ['na|me==x', '[na >|||< me==x]: quoted literal not terminated'],
    ['name=="a\nb"', '[name== >|"|< a\nb"]: quoted literal not terminated'],
    ['name=="\\"', '[name== >|"|< \\"]: quoted literal not terminated'],
    ['name==/foo/', '[name== >|/|< foo/]: invalid quote encountered'],
    ['/name/==x', '[ >|/|< name/==x]: invalid quote encountered'],
    ['name=="\\q"', '[name== >|"|< \\q"]: illegal escape sequence'],
    ['name=="\\q\\xz"', '[name== >|"|< \\q\\xz"]: illegal escape sequence'],
    ['name=="\\', '[name== >|"|< \\]: illegal escape sequence'],
    ['name~="\\/x"', '[name~= >|"|< \\/x"]: illegal escape sequence'],
    ['name=="a\\x4"', '[name== >|"|< a\\x4"]: illegal numeric escape sequence'],
    ['name=="\\400"', '[name== >|"|< \\400"]: unquoting failed: quote syntax error'],
    ['name=="\\U00110000"', '[name== >|"|< \\U00110000"]: unquoting failed: quote syntax error'],
    ['name==\ufffd', '[name== >|\ufffd|< ]: rune error'],
    ['name==a\u00a0b', '[name==a >|\u00a0|< b]: unexpected input: \u00a0'],
    ['name==a\u00adb', '[name==a >|\u00ad|< b]: unexpected input: \u00ad'],
    ['name\0', `[name >|\0|< ]: unexpected null`],
  ];
  for (const [text, wanted] of table) expect([text, errorOf(text)]).toEqual([text, wanted]);
});

test('an error for a long filter is short', () => {
  expect(errorOf(`a==${'x'.repeat(100_000)} ${'y'.repeat(100_000)}`).length).toBeLessThan(1200);
});

test('text and patterns without end are refused', () => {
  expect(() => parseFilters(['x'.repeat(600_000), 'y'.repeat(600_000)])).toThrow('at most 1048576: invalid argument');
  expect(() => parseFilters([`a~=${'x'.repeat(4097)}`])).toThrow('at most 4096: invalid argument');
});

test('a regular expression that would blow up elsewhere takes no time', () => {
  const start = performance.now();
  const evil = parseFilters(['v~="(a+)+$"', 'v~="(a|aa)+$"', 'v~="(x+x+)+y"']);
  expect(evil.match(() => field(`${'a'.repeat(20_000)}!`))).toBe(false);
  expect(performance.now() - start).toBeLessThan(20_000);
});

test('patterns that are slow on many objects are stopped', () => {
  const slow = parseFilters(['v~="[ab]*a[ab]{200}[0-9]"']);
  const random = randomNumbers(1);
  const text = Array.from({ length: 3000 }, () => (random(2) === 0 ? 'a' : 'b')).join('');
  const start = performance.now();
  expect(() => {
    for (let i = 0; i < 10_000; i++) slow.match(() => field(text.slice(i % 1000)));
  }).toThrow('resource exhausted');
  expect(performance.now() - start).toBeLessThan(60_000);
});

test('a pattern that would take long to compile is refused before it is, a usual one with some of the same is not', () => {
  const many = (atom: string) => parseFilters([`v~="${atom.repeat(Math.floor(4000 / atom.length))}a"`]);
  for (const atom of ['\\pL|', '(?i:[\\x{80}-\\x{10ffff}])|', '(?i:[\u0080-\uffff])|'])
    expect(() => many(atom.replaceAll('\\', '\\\\')).match(() => field('a'))).toThrow('resource exhausted');
  expect(parseFilters(['v~="^\\\\p{Lu}[äöü]+$"']).match(() => field('Kü'))).toBe(true);
});

test('a big pattern on a big text is refused before it runs', () => {
  const big = parseFilters(['v~="a{1000}(b|c){1000}"']);
  expect(() => big.match(() => field('a'.repeat(1_000_000)))).toThrow('resource exhausted');
});

test('random text is read or refused as an invalid argument, never anything else', () => {
  const pieces = [
    'name',
    '.',
    ',',
    '==',
    '!=',
    '~=',
    '"',
    '/',
    '|',
    '\\',
    'x',
    '41',
    ' ',
    '\n',
    'é',
    '👍',
    '\ud800',
    '\0',
    '(',
    '*',
    '=',
    '\\u0041',
  ];
  const random = randomNumbers(42);
  let read = 0;
  for (let i = 0; i < 20_000; i++) {
    const text = Array.from({ length: 1 + random(9) }, () => pieces[random(pieces.length)]).join('');
    try {
      parseFilters([text]).match(image);
      read += 1;
    } catch (thrown) {
      if (classOf(thrown) !== 'invalid_argument') throw thrown;
    }
  }
  expect(read).toBeGreaterThan(500);
});

test('what is wrong with a filter is said in a few words, however long the filter', () => {
  for (const text of ['a'.repeat(20_000), 'x=!'.repeat(6_000), `x${'!='.repeat(6_000)}`, `x==${'"'.repeat(9_999)}`]) {
    let said = '';
    try {
      parseFilters([`name==a, ${text}`]);
    } catch (thrown) {
      said = messageOf(thrown);
    }
    expect(said.length).toBeLessThan(2_000);
  }
});
