import { inspect } from 'node:util';
import { Fault, phrases } from '#base/errors';

/**
 * A failure in docker's words, on one line: what our own code threw reads as docker's answers do; the phrase that containerd's clients need at its
 * end is left out.
 */
export function said(thrown: unknown, { debug = false, 'debug-full': full = false } = {}): string {
  const line = thrown instanceof Fault ? `Error response from daemon: ${withoutPhrase(thrown)}` : plain(thrown);
  if (full) return `${line}\n${inspect(thrown)}`;
  return debug ? `${line}${causes(thrown)}` : line;
}

/** A fault's text without the phrase of its class, unless there is nothing else. */
export function withoutPhrase({ class: cls, message }: Fault): string {
  const ending = `: ${phrases[cls]}`;
  return message.endsWith(ending) ? message.slice(0, -ending.length) : message;
}

const plain = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));

function causes(thrown: unknown): string {
  let text = '';
  for (let cause = (thrown as Error).cause; cause instanceof Error; cause = cause.cause)
    text += `\n  because: ${cause.message}`;
  return text;
}
