import type { Container } from '#core/containers/containers';

/** What a container's spec runs; nothing for a spec that is none. */
export function specArgs({ spec }: Pick<Container, 'spec'>): readonly string[] {
  try {
    const { process } = JSON.parse(Buffer.from(spec.value).toString()) as {
      readonly process?: { readonly args?: unknown };
    };
    return Array.isArray(process?.args) ? process.args.map(String) : [];
  } catch {
    return []; // of a type that is not JSON
  }
}

/** Program and arguments in a line, as docker's lists have them: arguments with spaces in quotes. */
export const commandLine = ([program = '', ...args]: readonly string[]): string =>
  [program, ...args.map((word) => (word.includes(' ') ? `'${word}'` : word))].join(' ');
