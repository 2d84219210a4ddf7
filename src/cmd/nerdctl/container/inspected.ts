import { invalidArgument } from '#base/errors';
import type { Container } from '#core/containers/containers';
import { inspectContainer } from '#ops/container/inspect';
import { nativeContainer } from '#ops/container/inspect-native';
import type { Engine } from '#ops/engine';
import { asStructs } from '../format/structs.ts';

/** A container as `inspect` shows it in one of its modes. @throws invalid_argument for another mode */
export async function inspectedContainer(
  engine: Engine,
  container: Container,
  { mode, size }: { readonly mode: string; readonly size: boolean },
): Promise<unknown> {
  switch (mode) {
    case 'dockercompat':
      return asStructs('*dockercompat.Container', await inspectContainer(engine, container, { size }));
    case 'native':
      return nativeContainer(engine, container);
    default:
      throw invalidArgument(`unknown mode ${JSON.stringify(mode)}`);
  }
}
