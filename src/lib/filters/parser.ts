import { invalidArgument } from '#base/errors';
import { Scanner, type Token } from './scanner.ts';
import { unquote } from './unquote.ts';

/** One condition: the field at `path` is present, or its value stands in that relation to `value`. */
export type Selector =
  | { readonly operator: 'present'; readonly path: readonly string[] }
  | { readonly operator: '==' | '!=' | '~='; readonly path: readonly string[]; readonly value: string };

/**
 * Reads `field.path==value,other~=/regex/` into conditions that must all hold.
 *
 * @throws invalid_argument naming the text, the place (`[before >|here|< after]`) and what was expected there.
 */
export function parseSelectors(input: string): readonly Selector[] {
  const scanner = new Scanner(input);
  const selectors = [readSelector(input, scanner)];
  for (let rune = scanner.peek(); rune !== ''; rune = scanner.peek()) {
    if (rune !== ',') throw parseError(input, scanner.position, `unexpected input: ${rune}`);
    scanner.scan();
    selectors.push(readSelector(input, scanner));
  }
  return selectors;
}

function readSelector(input: string, scanner: Scanner): Selector {
  const path = [readField(input, scanner)];
  while (scanner.peek() === '.') {
    scanner.scan();
    path.push(readField(input, scanner));
  }
  const rune = scanner.peek();
  if (rune === ',' || rune === '') return { operator: 'present', path };
  const operator = readOperator(input, scanner);
  return { operator, path, value: readValue(input, scanner, operator === '~=') };
}

function readField(input: string, scanner: Scanner): string {
  const token = scanner.scan();
  if (token.kind === 'field') return token.text;
  if (token.kind === 'quoted') return readQuoted(input, token.at, token.text, false);
  throw unexpected(input, token, 'expected field or quoted');
}

function readOperator(input: string, scanner: Scanner): '==' | '!=' | '~=' {
  const token = scanner.scan();
  if (token.kind !== 'operator') throw unexpected(input, token, 'expected an operator ("=="|"!="|"~=")');
  const { text } = token;
  if (text === '==' || text === '!=' || text === '~=') return text;
  throw parseError(input, token.at, `unsupported operator "${text}"`);
}

function readValue(input: string, scanner: Scanner, regex: boolean): string {
  const token = scanner.scan();
  if (token.kind === 'value' || token.kind === 'field') return token.text;
  if (token.kind === 'quoted') return readQuoted(input, token.at, token.text, regex);
  throw unexpected(input, token, 'expected value or quoted');
}

/** Only a regular expression may stand between slashes or bars: elsewhere they would be a surprise. */
function readQuoted(input: string, at: number, literal: string, regex: boolean): string {
  if (!regex && !literal.startsWith('"')) throw parseError(input, at, 'invalid quote encountered');
  const value = unquote(literal);
  if (value === undefined) throw parseError(input, at, 'unquoting failed: quote syntax error');
  return value;
}

function unexpected(input: string, token: Token, wanted: string): Error {
  return parseError(input, token.at, token.kind === 'illegal' ? token.reason : wanted);
}

function parseError(input: string, at: number, reason: string): Error {
  const message = excerptStart(reason); // it may name an operator of any length
  const code = input.codePointAt(at);
  if (code === undefined) return invalidArgument(`filters: parse error: [${excerptEnd(input)}]: ${message}`);
  const here = String.fromCodePoint(code);
  const after = excerptStart(input.slice(at + here.length));
  return invalidArgument(`filters: parse error: [${excerptEnd(input.slice(0, at))} >|${here}|< ${after}]: ${message}`);
}

// An error travels in an HTTP/2 trailer, which a megabyte of filter would burst.
const excerptLength = 512;
const excerptEnd = (text: string) => (text.length <= excerptLength ? text : `…${text.slice(-excerptLength)}`);
const excerptStart = (text: string) => (text.length <= excerptLength ? text : `${text.slice(0, excerptLength)}…`);
