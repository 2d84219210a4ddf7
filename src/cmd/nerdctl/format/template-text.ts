import { parseTemplate, type Template } from '#lib/go-template/template';
import { TemplateFault } from '#lib/go-template/template-fault';
import { Exit } from '../../cli/io.ts';

/** A template of `--format`; docker's words stand before what is wrong with it. @throws Exit */
export function templateOf(text: string, words: { readonly failure: string; readonly exit?: number }): Template {
  try {
    return parseTemplate(text);
  } catch (thrown) {
    throw inWords(thrown, words.failure, words.exit ?? 1);
  }
}

/** What a template throws when it is read or used, as the end of the command. Anything else is thrown as it is. */
export function inWords(thrown: unknown, failure: string, exit = 1): unknown {
  return thrown instanceof TemplateFault ? new Exit(exit, `${failure}: ${thrown.message}`) : thrown;
}

/** `\t` and `\n` as people type them between a shell's quotes. */
export const unescaped = (format: string): string => format.replaceAll('\\t', '\t').replaceAll('\\n', '\n');
