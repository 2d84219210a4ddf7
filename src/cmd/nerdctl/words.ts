import { inspect } from 'node:util';
import { type ErrorClass, Fault, phrases } from '#base/errors';

/**
 * A failure in docker's words, on one line: what our own code threw reads as docker's answers do; the phrase that containerd's clients need at its
 * end is left out.
 */
export function said(thrown: unknown, { debug = false, 'debug-full': full = false } = {}): string {
  const line = thrown instanceof Fault ? `Error response from daemon: ${withoutPhrase(thrown)}` : plain(thrown);
  if (full) return `${line}\n${inspect(thrown)}`;
  return debug ? `${line}${causes(thrown)}` : line;
}

/** A fault's text without the phrase of its class, where it is a sentence that says what is wrong and not only of what. */
export function withoutPhrase({ class: cls, message }: Fault): string {
  const ending = `: ${phrases[cls]}`;
  const subject = message.slice(0, -ending.length);
  return message.endsWith(ending) && isSentence(subject, cls) ? subject : message;
}

/** Words without which nothing is said of a thing. Names may have them too, in quotes. */
const saying =
  /\b(?:no|not|nothing|nobody|cannot|already|is|are|was|has|have|must|may|can|could|does|do|did|failed|unable|found|wanted|invalid|unknown|missing|denied|error|conflict\w*|unsupported|refus\w+|[a-z]+n't)\b/i;
/** Classes that are a finding of their own: `network x: not found`. The others, such as "invalid argument", only say whose fault it is. */
const findings: ReadonlySet<ErrorClass> = new Set([
  ...(['not_found', 'already_exists', 'permission_denied', 'not_implemented', 'unavailable', 'data_loss'] as const),
  ...(['resource_exhausted', 'unauthenticated', 'canceled', 'deadline_exceeded', 'not_modified', 'aborted'] as const),
]);

function isSentence(subject: string, cls: ErrorClass): boolean {
  const bare = subject.replace(/"[^"]*"/g, '');
  return saying.test(bare) || (!findings.has(cls) && bare.trim().split(/\s+/).length > 2);
}

const plain = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));

function causes(thrown: unknown): string {
  let text = '';
  for (let cause = (thrown as Error).cause; cause instanceof Error; cause = cause.cause)
    text += `\n  because: ${cause.message}`;
  return text;
}
