import { Fault, isFault, messageOf } from '#base/errors';
import { jsonOf } from '#lib/go-template/json';
import type { Template } from '#lib/go-template/template';
import { TemplateFault } from '#lib/go-template/template-fault';
import type { Io } from '../../cli/io.ts';
import { withoutPhrase } from '../words.ts';
import { inWords, templateOf } from './template-text.ts';

const failure = 'template parsing error';

/**
 * Prints values as `inspect` does: one JSON list, or with a template a line for each, or with `json` the list on one line.
 * A template that asks for what a struct has not is tried again on its JSON, so that the names there may be used as well.
 *
 * @throws Exit in docker's words: 64 for a template that cannot be read
 */
export async function printInspect(io: Io, format: string, values: readonly unknown[]): Promise<void> {
  const template = inspectTemplate(format);
  if (template === undefined) return io.stdout.write(`${jsonOf(values, format === 'json' ? '' : '    ')}\n`);
  for (const value of values) await printOne(io, template, value);
}

/** Undefined where no template was asked for. */
const inspectTemplate = (format: string): Template | undefined =>
  format === '' || format === 'json' ? undefined : templateOf(format, { failure, exit: 64 });

async function printOne(io: Io, template: Template, value: unknown): Promise<void> {
  try {
    await io.stdout.write(`${rendered(template, value)}\n`);
  } catch (thrown) {
    if (thrown instanceof TemplateFault) await io.stdout.write('\n');
    throw inWords(thrown, failure);
  }
}

function rendered(template: Template, value: unknown): string {
  try {
    return template.render(value);
  } catch (thrown) {
    if (!(thrown instanceof TemplateFault)) throw thrown;
    return template.render(JSON.parse(jsonOf(value)), { strict: true });
  }
}

/**
 * The same for things that are looked for by the words of the command line: those that are there are printed, those that are not are told of
 * on stderr, and the command ends with 1.
 *
 * @throws what `find` throws besides not_found
 */
export async function inspectEach(
  io: Io,
  format: string,
  words: readonly string[],
  find: (word: string) => Promise<unknown>,
): Promise<number> {
  // Before anything is looked for.
  inspectTemplate(format);
  const found: unknown[] = [];
  const missing: string[] = [];
  for (const word of words) {
    try {
      found.push(await find(word));
    } catch (thrown) {
      if (!isFault(thrown, 'not_found')) throw thrown;
      missing.push(thrown instanceof Fault ? withoutPhrase(thrown) : messageOf(thrown));
    }
  }
  let failed: unknown;
  try {
    if (found.length > 0 || format === '' || format === 'json') await printInspect(io, format, found);
  } catch (thrown) {
    failed = thrown;
  }
  for (const message of missing) await io.stderr.write(`Error: ${message}\n`);
  if (failed !== undefined) throw failed;
  return missing.length > 0 ? 1 : 0;
}
