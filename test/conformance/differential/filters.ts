import { Images } from '#api/services/images/v1/images_pb';
import type { Transport } from '#rpc/transport';
import { type Answer, answerTo, step } from './call.ts';
import { helloDigest, manifest } from './names.ts';

/** What filters by chance chose at two daemons. */
export interface Compared {
  /** A line for each filter that does not mean the same. */
  readonly different: readonly string[];
  /** All answers that came. */
  readonly outcomes: ReadonlySet<string>;
}

/** Thousands of filters that are put together by chance, the same in every run, over a few images that it makes. */
export async function compareFilters(toThem: Transport, toUs: Transport): Promise<Compared> {
  for (const transport of [toThem, toUs]) await fill(transport);
  const different: string[] = [];
  const outcomes = new Set<string>();
  for (const filter of filtersOf(20_261_123)) {
    const asked = step('', Images.method.list, { filters: [filter] });
    const [them, us] = await Promise.all([answerTo(toThem, asked, ''), answerTo(toUs, asked, '')]);
    outcomes.add(chosen(them));
    if (chosen(them) !== chosen(us)) different.push(`${JSON.stringify(filter)}: ${chosen(them)}, ours ${chosen(us)}`);
  }
  return { different, outcomes };
}

const pieces: readonly string[] = [
  ...['name', 'labels', 'target', 'digest', 'mediatype', 'annotations', 'x', 'a.b', '_', '9', 'é', '日'],
  ...[
    '==',
    '!=',
    '~=',
    '=',
    '~',
    '!',
    '.',
    ',',
    ' ',
    '"',
    '/',
    '|',
    '\\',
    "'",
    '(',
    ')',
    '[',
    '*',
    '+',
    '^',
    '$',
    '\n',
    '\t',
  ],
  ...[
    'one',
    'two',
    '"one"',
    '"a/b"',
    '/^o/',
    '|t.o|',
    '"\\x6fne"',
    '"\\157ne"',
    '"\\u006fne"',
    '"\\n"',
    '"\\q"',
    '"\\400"',
    '"\\xff"',
  ],
  ...[
    'name==one',
    'labels.k==v',
    'labels."a/b"==c',
    'labels.a.b==d',
    'name~=/o(n|w)/',
    'name~=(?i)ONE',
    'labels.k',
    'name!=one',
  ],
  ...[
    'target.digest~=^sha256',
    'target.mediatype==x',
    'labels.k!=v',
    'labels.none!=v',
    'labels.none~=^$',
    'name~="(?P<x>o)"',
    'name~=\\pL+',
  ],
];
const count = 6000;
const digits = 16807; // Lehmer's generator: the same filters in every run
const modulus = 2147483647;

function filtersOf(seed: number): readonly string[] {
  let state = seed;
  const below = (end: number) => {
    state = (state * digits) % modulus;
    return state % end;
  };
  return Array.from({ length: count }, () =>
    Array.from({ length: 1 + below(5) }, () => pieces[below(pieces.length)] ?? '').join(''),
  );
}

const labelled: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  one: { k: 'v', 'a/b': 'c' },
  two: { 'a.b': 'd', k: 'other' },
  'three/four:five': { a: 'b' },
  'quo"te\\n': {},
};

async function fill(transport: Transport): Promise<void> {
  for (const [name, labels] of Object.entries(labelled)) {
    const image = { name, labels, target: { mediaType: manifest, digest: helloDigest, size: 1n } };
    const { code } = await answerTo(transport, step('', Images.method.create, { image }), '');
    if (code !== 0) throw new Error(`image ${name}: code ${code}`);
  }
}

const chosen = ({ code, messages }: Answer) => {
  const [listed] = messages as readonly [{ readonly images: readonly { readonly name: string }[] }?];
  return `${code} ${(listed?.images ?? []).map(({ name }) => name).join(' ')}`;
};
