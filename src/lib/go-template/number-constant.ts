import { goQuote, goUnquoteRune } from './quote.ts';

/** A number or a character as a template writes it; a text says what is wrong. */
export function parseNumber(
  source: string,
  isCharacter: boolean,
): { readonly value: number | bigint; readonly float: boolean } | string {
  if (isCharacter) {
    const value = goUnquoteRune(source);
    return value === undefined
      ? source === "''"
        ? 'invalid syntax'
        : `malformed character constant: ${source}`
      : { value, float: false };
  }
  const digits = /^(?:[^_]*|.*[0-9a-fA-Fx]_?[0-9a-fA-F].*)$/.test(source) ? source.replaceAll('_', '') : '';
  const whole = wholeNumber(digits);
  if (whole === 'overflow') return `integer overflow: ${goQuote(source)}`;
  if (whole !== undefined) return { value: whole, float: false };
  const float = /^[+-]?0[xX]/.test(digits) ? hexFloat(digits) : decimalFloat(digits);
  if (float !== undefined && !/[.eEpP]/.test(digits)) return `integer overflow: ${goQuote(source)}`;
  if (float === undefined) return `illegal number syntax: ${goQuote(source)}`;
  return Number.isFinite(float) ? { value: float, float: true } : `illegal number syntax: ${goQuote(source)}`;
}

const forms = [
  [/^([+-]?)0[xX]([0-9a-fA-F]+)$/, '0x'],
  [/^([+-]?)0[bB]([01]+)$/, '0b'],
  [/^([+-]?)0[oO]?([0-7]+)$/, '0o'],
  [/^([+-]?)(0|[1-9][0-9]*)$/, ''],
] as const;

function wholeNumber(digits: string): number | bigint | 'overflow' | undefined {
  for (const [form, prefix] of forms) {
    const found = form.exec(digits);
    if (found === null) continue;
    const value = BigInt(prefix + found[2]) * (found[1] === '-' ? -1n : 1n);
    if (value > 0x7fffffffffffffffn || value < -0x8000000000000000n) return 'overflow';
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }
  return undefined;
}

const decimalFloat = (digits: string): number | undefined =>
  /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/.test(digits) ? Number(digits) : undefined;

function hexFloat(digits: string): number | undefined {
  const found = /^([+-]?)0[xX]([0-9a-fA-F]*)\.?([0-9a-fA-F]*)[pP]([+-]?[0-9]+)$/.exec(digits);
  if (found === null || `${found[2]}${found[3]}` === '') return undefined;
  const [, sign, whole = '', fraction = '', exponent = ''] = found;
  const mantissa = Number.parseInt(whole + fraction, 16) * 16 ** -fraction.length;
  return (sign === '-' ? -1 : 1) * mantissa * 2 ** Number(exponent);
}
