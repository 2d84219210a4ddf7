import { Fault } from '#base/errors';
import { FlagFault, type Flags } from '../../cli/flags.ts';
import { withoutPhrase } from '../words.ts';
import { type ContainerFlags, containerFlags } from './run-flags.ts';

/** A flag's values by a reader of one, whose complaint names the flag as docker does. @throws FlagFault */
export function readAll<T>(
  name: keyof ContainerFlags,
  texts: readonly string[],
  read: (text: string) => T,
): readonly T[] {
  return texts.map((text) => readOne(name, text, read));
}

/** The same for one. @throws FlagFault */
export function readOne<T>(name: keyof ContainerFlags, text: string, read: (text: string) => T): T {
  const letter = (containerFlags as Flags)[name]?.alias.find((one) => one.length === 1);
  const spelled = letter === undefined ? `--${name}` : `-${letter}, --${name}`;
  return refuse(`invalid argument ${JSON.stringify(text)} for "${spelled}" flag`, () => read(text));
}

/** What `read` gives; its complaint behind a subject. @throws FlagFault */
export function refuse<T>(subject: string, read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown;
    throw new FlagFault(`${subject}: ${withoutPhrase(thrown)}`, { cause: thrown });
  }
}
