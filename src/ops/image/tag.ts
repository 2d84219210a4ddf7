import { invalidArgument, isFault, messageOf } from '#base/errors';
import type { Engine } from '../engine.ts';
import { findImage, fullName } from './find.ts';

/** Gives an image a further name; a name that another has is taken from it. @throws not_found; invalid_argument for a name that is none */
export async function tagImage(engine: Engine, source: string, target: string): Promise<void> {
  const { client, scope } = engine;
  const name = targetName(target);
  const { image } = await findImage(engine, source);
  const tagged = { name, target: image.target, labels: image.labels };
  try {
    await client.images.create(scope, tagged);
  } catch (thrown) {
    if (!isFault(thrown, 'already_exists')) throw thrown;
    await client.images.update(scope, tagged);
  }
}

function targetName(text: string): string {
  let name: string;
  try {
    name = fullName(text);
  } catch (thrown) {
    throw invalidArgument(`${JSON.stringify(text)} is not a valid repository/tag: ${messageOf(thrown)}`, thrown);
  }
  if (name.includes('@')) throw invalidArgument('refusing to create a tag with a digest reference');
  return name;
}
