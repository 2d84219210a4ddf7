import { silent } from '#base/log';
import { parseReference, type Reference } from '#lib/reference';
import type { Repository } from '#lib/registry/repository';
import type { Values } from '../../cli/flags.ts';
import type { Io } from '../../cli/io.ts';
import { type registryFlags, registryOptions } from './registry-flags.ts';

/** A repository that ctr itself talks to, for as long as it is not disposed. */
export interface OpenRepository extends AsyncDisposable {
  readonly reference: Reference;
  readonly repository: Repository;
}

/** @throws invalid_argument for the reference or the flags */
export async function openRepository(
  io: Io,
  text: string,
  flags: Values<typeof registryFlags>,
): Promise<OpenRepository> {
  const reference = parseReference(text);
  await using held = new AsyncDisposableStack();
  const { clientRegistries } = await import('#client/local-transfer');
  const options = held.use(await registryOptions(io, text, flags));
  const registries = held.use(clientRegistries(io.env, silent));
  const repository = await registries.open({ ...options, reference: text }, reference);
  const kept = held.move();
  return { reference, repository, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}
