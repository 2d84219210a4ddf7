import { goQuote } from './quote.ts';
import { GoFloat, isObject, keysOf, nilPointer, structType, typeOf } from './values.ts';

export type PrintForm = 'plain' | 'named' | 'go';

/** A value as `%v` prints it (`%+v` with `named`, `%#v` with `go`). */
export function goPrint(value: unknown, form: PrintForm = 'plain'): string {
  if (value === null || value === undefined || value === nilPointer) return '<nil>';
  if (typeof value === 'string') return form === 'go' ? goQuote(value) : value;
  if (typeof value === 'number' || value instanceof GoFloat) return printNumber(value);
  if (Array.isArray(value)) {
    const items = value.map((each) => goPrint(each, form));
    return form === 'go' ? `[]interface {}{${items.join(', ')}}` : `[${items.join(' ')}]`;
  }
  if (isObject(value)) return printObject(value, form);
  return String(value);
}

const printNumber = (value: number | GoFloat): string =>
  value instanceof GoFloat ? goFloat(value.value) : Number.isInteger(value) ? goInteger(value) : goFloat(value);

const goInteger = (value: number): string => (Number.isSafeInteger(value) ? String(value) : BigInt(value).toString());

function printObject(value: Readonly<Record<string, unknown>>, form: PrintForm): string {
  const isStruct = structType(value) !== undefined;
  const parts = keysOf(value).map((key) => {
    const inner = goPrint(value[key], form);
    if (isStruct) return form === 'plain' ? inner : `${key}:${inner}`;
    return `${form === 'go' ? goQuote(key) : key}:${inner}`;
  });
  if (form === 'go') return `${typeOf(value)}{${parts.join(', ')}}`;
  return isStruct ? `{${parts.join(' ')}}` : `map[${parts.join(' ')}]`;
}

/** As `%v` prints a float: the shortest digits that are the same number, with an exponent below 1e-4 and from 1e6 on. */
export function goFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value < 0 ? '-Inf' : '+Inf';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  return shortest(value);
}

/** Go's `%g`: an exponent when it would be less than -4 or as large as `from`. */
export function shortest(value: number, from = 6): string {
  const [mantissa = '', exponent = ''] = value.toExponential().split('e');
  const power = Number(exponent);
  if (power >= -4 && power < from) return plainDecimal(mantissa, power);
  return `${mantissa}e${goExponent(power)}`;
}

export const goExponent = (power: number): string =>
  `${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;

function plainDecimal(mantissa: string, power: number): string {
  const sign = mantissa.startsWith('-') ? '-' : '';
  const digits = mantissa.replace(/[-.]/g, '');
  if (power < 0) return `${sign}0.${'0'.repeat(-power - 1)}${digits}`;
  const whole = digits.slice(0, power + 1).padEnd(power + 1, '0');
  const fraction = digits.slice(power + 1);
  return sign + whole + (fraction === '' ? '' : `.${fraction}`);
}

/** Go's `fmt.Sprint`: spaces between operands when neither is a string. */
export function goSprint(values: readonly unknown[]): string {
  let out = '';
  for (const [index, value] of values.entries()) {
    if (index > 0 && typeof value !== 'string' && typeof values[index - 1] !== 'string') out += ' ';
    out += goPrint(value);
  }
  return out;
}

/** Go's `fmt.Sprintln`. */
export const goSprintln = (values: readonly unknown[]): string =>
  `${values.map((value) => goPrint(value)).join(' ')}\n`;
