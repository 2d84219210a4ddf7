import { builtins } from './builtins.ts';
import { dockerFunctions } from './docker-functions.ts';
import { Evaluator } from './evaluator.ts';
import type { GoFunctions } from './functions.ts';
import { parseNodes } from './parser.ts';

export interface RenderOptions {
  /** In place of docker's functions, by the same names: for headings. */
  readonly functions?: GoFunctions;
  /** A key that a map has not is an error, instead of `<no value>`. */
  readonly strict?: boolean;
  /** How many of its parts may be visited, loops included; not limited unless told. */
  readonly maxSteps?: number;
}

/** A template that was read. */
export interface Template {
  /** What it makes of a value. @throws TemplateFault with code `execute` */
  render(value: unknown, options?: RenderOptions): string;
}

const functions: GoFunctions = { ...builtins, ...dockerFunctions };

/**
 * Reads a template as docker's `--format` understands it: Go's `text/template` with docker's functions.
 * The message of what it throws begins with `template: `; docker puts words before it that differ from command to command.
 *
 * @throws TemplateFault with code `parse`
 */
export function parseTemplate(text: string): Template {
  const definitions = parseNodes(text, (name) => Object.hasOwn(functions, name));
  return {
    render: (value, { functions: others = {}, strict = false, maxSteps = Number.POSITIVE_INFINITY } = {}) =>
      new Evaluator(text, definitions, { functions: { ...functions, ...others }, strict, maxSteps }).run(value),
  };
}
