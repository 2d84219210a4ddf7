import { failedPrecondition } from '#base/errors';

/** The refusal to delete a namespace, naming what is in it. */
export const namespaceNotEmpty = (name: string, contents: readonly string[]): Error =>
  failedPrecondition(`namespace ${JSON.stringify(name)} must be empty, but it still has ${contents.join(', ')}`);
