import { invalidArgument } from '#base/errors';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads `NAME=value`, or `NAME` for what the caller's own environment has; one that that has not is nothing, and takes away the image's.
 * @throws invalid_argument in docker's words
 */
export function parseEnv(text: string, environment: Environment): string {
  if (text === '' || text.startsWith('=')) throw invalidArgument(`invalid environment variable: ${text}`);
  if (text.includes('\0')) throw invalidArgument(`invalid environment variable: ${JSON.stringify(text)}`);
  if (text.includes('=')) return text;
  const value = environment[text];
  return value === undefined ? text : `${text}=${value}`;
}

/** Reads a file of such lines, with `#` for comments. A name that the environment has not is left out. @throws invalid_argument in docker's words */
export function parseEnvFile(content: string, path: string, environment: Environment): readonly string[] {
  return linesOf(content, path).flatMap((line) => {
    const [name = '', ...rest] = line.split('=');
    if (/\s/.test(name)) throw invalidArgument(`invalid env file (${path}): variable '${name}' contains whitespaces`);
    if (name === '') throw invalidArgument(`invalid env file (${path}): no variable name on line '${line}'`);
    if (rest.length > 0) return [line];
    const value = environment[name];
    return value === undefined ? [] : [`${name}=${value}`];
  });
}

/** Reads `name=value`, or `name` with nothing for its value. @throws invalid_argument in docker's words */
export function parseLabel(text: string): readonly [name: string, value: string] {
  const equals = text.indexOf('=');
  const name = equals < 0 ? text : text.slice(0, equals);
  if (name === '') throw invalidArgument(`invalid label '${text}': empty name`);
  return [name, equals < 0 ? '' : text.slice(equals + 1)];
}

/** Reads a file of labels. @throws invalid_argument */
export const parseLabelFile = (content: string, path: string): readonly (readonly [string, string])[] =>
  linesOf(content, path).map((line) => {
    const [name, value] = parseLabel(line);
    if (/\s/.test(name)) throw invalidArgument(`invalid label file (${path}): label '${name}' contains whitespaces`);
    return [name, value];
  });

function linesOf(content: string, path: string): readonly string[] {
  if (content.includes('\ufffd') || content.includes('\0'))
    throw invalidArgument(`invalid file (${path}): contains invalid utf8 bytes`);
  return content
    .replace(/^\ufeff/, '')
    .split('\n')
    .map((line) => line.replace(/\r$/, '').replace(/^\s+/, ''))
    .filter((line) => line !== '' && !line.startsWith('#'));
}
