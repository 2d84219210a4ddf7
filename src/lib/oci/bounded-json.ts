import { invalidArgument } from '#base/errors';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export interface JsonLimits {
  readonly maxBytes: number;
  /** How many objects and arrays may stand inside each other. */
  readonly maxDepth?: number;
}

/**
 * Parses JSON that a stranger wrote. Time and memory are linear in the text, the stack is not touched by its depth.
 *
 * @throws invalid_argument when it is too long, too deep, no UTF-8, no JSON, or has a key twice in one object (what would others read?).
 */
export function parseBoundedJson(bytes: Uint8Array, limits: JsonLimits): Json {
  if (bytes.length > limits.maxBytes)
    throw invalidArgument(`JSON of ${bytes.length} bytes, at most ${limits.maxBytes}`);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw invalidArgument('JSON is not UTF-8', cause);
  }
  checkStructure(text, limits.maxDepth ?? defaultDepth);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalidArgument(`JSON: ${cause instanceof Error ? cause.message : 'malformed'}`, cause);
  }
}

const defaultDepth = 64;

/** Walks over the text without building anything; grammar is left to the parser that follows. */
function checkStructure(text: string, maxDepth: number): void {
  // One entry per open bracket: the keys of an object, undefined for an array.
  const open: (Set<string> | undefined)[] = [];
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case quote: {
        const end = endOfString(text, at);
        const keys = open.at(-1);
        if (keys !== undefined && text.charCodeAt(skipSpace(text, end)) === colon) addKey(keys, text.slice(at, end));
        at = end - 1;
        break;
      }
      case openBrace:
      case openBracket:
        if (open.length >= maxDepth) throw invalidArgument(`JSON is nested deeper than ${maxDepth}`);
        open.push(text.charCodeAt(at) === openBrace ? new Set() : undefined);
        break;
      case closeBrace:
      case closeBracket:
        open.pop();
        break;
    }
  }
}

const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;

/** Just behind the closing quote, or the end of the text. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) return at + 1;
    if (code === backslash) at += 1;
  }
  return text.length;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && ' \t\r\n'.includes(text.charAt(at))) at += 1;
  return at;
}

function addKey(keys: Set<string>, literal: string): void {
  const key = literal.includes('\\') ? unescapeKey(literal) : literal.slice(1, -1);
  if (keys.has(key)) throw invalidArgument(`JSON has the key ${JSON.stringify(key.slice(0, 64))} twice in one object`);
  keys.add(key);
}

function unescapeKey(literal: string): string {
  try {
    return JSON.parse(literal);
  } catch (cause) {
    throw invalidArgument('JSON: malformed key', cause);
  }
}
