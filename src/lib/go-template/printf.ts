import { goExponent, goFloat, goPrint, shortest } from './print.ts';
import { goQuote, goQuoteRune } from './quote.ts';
import { GoFloat, isObject, keysOf, nilPointer, structType, typeOf } from './values.ts';

interface Verb {
  readonly verb: string;
  readonly plus: boolean;
  readonly minus: boolean;
  readonly sharp: boolean;
  readonly zero: boolean;
  readonly space: boolean;
  readonly width: number | undefined;
  readonly precision: number | undefined;
}

/** More is a mistake, and Go says so. */
const maxWidth = 1_000_000;

const pattern = /%([+\-# 0]*)(?:\[(\d+)\])?(\*|\d+)?(\.(?:\[(\d+)\])?(\*|\d*))?(?:\[(\d+)\])?(\P{Cs})?/gsu;

/** Go's `fmt.Sprintf`, for the values that templates have. What does not fit is told in the text, as Go does. */
export function goSprintf(format: string, values: readonly unknown[]): string {
  let next = 0;
  let reordered = false;
  const take = (index: string | undefined): void => {
    if (index === undefined) return;
    reordered = true;
    next = Number(index) - 1;
  };
  const number = (word: string | undefined): number | undefined => {
    if (word === undefined) return undefined;
    if (word === '*') return Number(values[next++]);
    return Number(word);
  };
  const out = format.replace(pattern, (_, ...groups: readonly (string | undefined)[]) => {
    const [flags = '', index, widthWord, point, precisionIndex, precisionWord, verbIndex, verb] = groups;
    take(index);
    const width = number(widthWord);
    take(precisionIndex);
    const precision = point === undefined ? undefined : (number(precisionWord || undefined) ?? 0);
    take(verbIndex);
    if (verb === undefined) return '%!(NOVERB)';
    if (verb === '%') return '%';
    let bad = '';
    if (width !== undefined && !(Math.abs(width) <= maxWidth)) bad += '%!(BADWIDTH)';
    if (precision !== undefined && !(Math.abs(precision) <= maxWidth)) bad += '%!(BADPREC)';
    if (next >= values.length || next < 0) return reordered ? `${bad}%!${verb}(BADINDEX)` : `${bad}%!${verb}(MISSING)`;
    const minus = flags.includes('-') || (width !== undefined && width < 0);
    return (
      bad +
      one(values[next++], {
        verb,
        minus,
        plus: flags.includes('+'),
        sharp: flags.includes('#'),
        zero: flags.includes('0') && !minus,
        space: flags.includes(' '),
        width: width === undefined || bad.includes('WIDTH') ? undefined : Math.abs(width),
        precision: precision === undefined || precision < 0 || bad.includes('PREC') ? undefined : precision,
      })
    );
  });
  if (reordered || next >= values.length) return out;
  const extra = values.slice(next).map((value) => (isNil(value) ? '<nil>' : `${typeOf(value)}=${goPrint(value)}`));
  return `${out}%!(EXTRA ${extra.join(', ')})`;
}

const isNil = (value: unknown): boolean => value === null || value === undefined || value === nilPointer;

function one(value: unknown, how: Verb): string {
  if (how.verb === 'T') return pad(typeOf(value), how);
  if (isNil(value)) return how.verb === 'v' ? pad('<nil>', how) : wrong(value, how);
  if (how.verb === 'v' && how.sharp) return pad(goPrint(value, 'go'), how);
  if (how.verb === 'v' && how.plus && typeof value === 'object' && !(value instanceof GoFloat))
    return goPrint(value, 'named');
  if (Array.isArray(value)) return `[${value.map((each) => nested(each, how)).join(' ')}]`;
  if (value instanceof GoFloat) return float(value.value, value, how);
  if (isObject(value)) return composite(value, how);
  switch (typeof value) {
    case 'boolean':
      return 'tv'.includes(how.verb) ? pad(String(value), how) : wrong(value, how);
    case 'string':
      return text(value, how);
    case 'bigint':
      return integer(value, how);
    case 'number':
      return Number.isInteger(value) ? integer(BigInt(value), how) : float(value, value, how);
    default:
      return wrong(value, how);
  }
}

function composite(value: Readonly<Record<string, unknown>>, how: Verb): string {
  const isStruct = structType(value) !== undefined;
  const parts = keysOf(value).map((key) => {
    const inner = nested(value[key], how);
    return isStruct ? inner : `${one(key, how)}:${inner}`;
  });
  return isStruct ? `{${parts.join(' ')}}` : `map[${parts.join(' ')}]`;
}

const nested = (value: unknown, how: Verb): string => (isNil(value) ? '<nil>' : one(value, how));

const wrong = (value: unknown, { verb }: Verb): string =>
  isNil(value) ? `%!${verb}(<nil>)` : `%!${verb}(${typeOf(value)}=${goPrint(value)})`;

function pad(content: string, { width, minus, zero }: Verb): string {
  const missing = (width ?? 0) - [...content].length;
  if (missing <= 0) return content;
  if (minus) return content + ' '.repeat(missing);
  return (zero ? '0' : ' ').repeat(missing) + content;
}

function text(value: string, how: Verb): string {
  const cut = how.precision === undefined ? value : [...value].slice(0, how.precision).join('');
  switch (how.verb) {
    case 'v':
    case 's':
      return pad(cut, how);
    case 'q':
      return pad(how.sharp && /^[^`\p{Cc}]*$/u.test(cut) ? `\`${cut}\`` : goQuote(cut), how);
    case 'x':
    case 'X': {
      const bytes = Buffer.from(value).subarray(0, how.precision);
      const hex = how.verb === 'x' ? bytes.toString('hex') : bytes.toString('hex').toUpperCase();
      const prefix = how.sharp ? `0${how.verb}` : '';
      if (how.space) return pad((hex.match(/../g) ?? []).map((each) => prefix + each).join(' '), how);
      return pad(hex === '' ? '' : prefix + hex, how);
    }
    default:
      return wrong(value, how);
  }
}

const radices: Readonly<Record<string, number>> = { v: 10, d: 10, b: 2, o: 8, O: 8, x: 16, X: 16 };
const prefixes: Readonly<Record<string, string>> = { b: '0b', o: '0', x: '0x', X: '0X' };

function integer(value: bigint, how: Verb): string {
  const { verb, sharp } = how;
  const radix = radices[verb];
  if (radix === undefined) return special(value, how);
  let digits = (value < 0n ? -value : value).toString(radix);
  if (verb === 'X') digits = digits.toUpperCase();
  if (how.precision !== undefined)
    digits = value === 0n && how.precision === 0 ? '' : digits.padStart(how.precision, '0');
  const prefix = verb === 'O' ? '0o' : sharp ? (prefixes[verb] ?? '') : '';
  return signed(value < 0n, prefix + digits, { ...how, zero: how.zero && how.precision === undefined });
}

function special(value: bigint, how: Verb): string {
  const code = Number(value);
  const valid = code >= 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
  if (how.verb === 'c') return pad(valid ? String.fromCodePoint(code) : '\ufffd', how);
  if (how.verb === 'q') return pad(goQuoteRune(code), how);
  if (how.verb === 'U') {
    const name = `U+${value.toString(16).toUpperCase().padStart(4, '0')}`;
    return pad(how.sharp && valid ? `${name} '${String.fromCodePoint(code)}'` : name, { ...how, zero: false });
  }
  return wrong(value, how);
}

/** Zeros go between the sign and the digits. */
function signed(negative: boolean, digits: string, how: Verb): string {
  const sign = negative ? '-' : how.plus ? '+' : how.space ? ' ' : '';
  if (!how.zero) return pad(sign + digits, how);
  return (
    sign + pad(digits, { ...how, width: how.width === undefined ? undefined : Math.max(0, how.width - sign.length) })
  );
}

function float(value: number, shown: unknown, how: Verb): string {
  const isHex = how.verb === 'x' || how.verb === 'X';
  const digits = isHex ? hexFloat(Math.abs(value), how) : floatDigits(Math.abs(value), how);
  if (digits === undefined) return wrong(shown, how);
  return signed(value < 0 || Object.is(value, -0), digits, how);
}

function floatDigits(value: number, { verb, precision, sharp }: Verb): string | undefined {
  if (!'vgGeEfF'.includes(verb)) return undefined;
  if (!Number.isFinite(value)) return goFloat(value).replace('+', '');
  if (verb === 'f' || verb === 'F') return fixed(value, precision ?? 6);
  if (verb === 'e' || verb === 'E') {
    const [mantissa = '', power = ''] = value.toExponential(Math.min(precision ?? 6, 100)).split('e');
    const whole = `${mantissa}e${goExponent(Number(power))}`;
    return verb === 'E' ? whole.toUpperCase() : whole;
  }
  const general = value === 0 ? '0' : precision === undefined ? shortest(value) : rounded(value, precision, sharp);
  return verb === 'G' ? general.toUpperCase() : general;
}

/** Go's form of a float in base 2: `0x1.8p+01`. */
function hexFloat(value: number, { verb }: Verb): string {
  const power = value === 0 ? 0 : Math.floor(Math.log2(value));
  const digits = `0x${(value === 0 ? 0 : value / 2 ** power).toString(16)}p${goExponent(power)}`;
  return verb === 'x' ? digits : digits.toUpperCase();
}

/** Of huge numbers JavaScript writes an exponent where Go writes all digits. */
const fixed = (value: number, precision: number): string =>
  value < 1e21
    ? value.toFixed(Math.min(precision, 100)).padEnd(0)
    : BigInt(value).toString() + (precision > 0 ? `.${'0'.repeat(precision)}` : '');

function rounded(value: number, precision: number, sharp: boolean): string {
  const digits = Math.min(Math.max(precision, 1), 100);
  return shortest(Number(value.toPrecision(digits)), Math.max(digits, sharp ? digits : 0));
}
