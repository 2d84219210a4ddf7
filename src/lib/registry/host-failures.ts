import { classOf, fault, messageOf, notFound } from '#base/errors';
import { RegistryError } from './registry-error.ts';

export interface HostFailure {
  readonly host: string;
  readonly error: unknown;
}

/** One error out of those of all hosts, of the class of the last: the registry itself knows best. */
export function combine(failures: readonly HostFailure[], subject: string): unknown {
  const last = failures.at(-1);
  if (last === undefined) return notFound(`${subject}: no host to ask`);
  if (failures.length === 1) return last.error;
  const said = failures.map(({ host, error }) => `${host}: ${messageOf(error)}`).join('; ');
  if (last.error instanceof RegistryError) return new RegistryError(last.error.status, last.host, said);
  return fault(classOf(last.error), said, last.error);
}
