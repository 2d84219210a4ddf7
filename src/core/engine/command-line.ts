import type { Container } from '#core/containers/containers';
import type { Spec } from '#lib/oci/spec/spec';

/** A container's spec; an empty one for what is not JSON. */
export function specOf({ spec }: Pick<Container, 'spec'>): Partial<Spec> {
  try {
    const found: unknown = JSON.parse(Buffer.from(spec.value).toString());
    return typeof found === 'object' && found !== null ? found : {};
  } catch {
    return {}; // of a type that is not JSON
  }
}

/** What a container's spec runs; nothing for a spec that is none. */
export function specArgs(container: Pick<Container, 'spec'>): readonly string[] {
  const args: unknown = specOf(container).process?.args;
  return Array.isArray(args) ? args.map(String) : [];
}

/** Program and arguments in a line, as docker's lists have them: arguments with spaces in quotes. */
export const commandLine = ([program = '', ...args]: readonly string[]): string =>
  [program, ...args.map((word) => (word.includes(' ') ? `'${word}'` : word))].join(' ');
