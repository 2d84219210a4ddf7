import { type Slot, slot } from '#core/plugin/slot';
import type { Scope } from '#core/scope';

/**
 * Copies files out of and into containers. With a task, paths are as its first process sees them, mounts included; without one, they lie in the
 * container's snapshot. No link leads out of the container.
 */
export interface ContainerFiles {
  /**
   * The file, or the directory with all below it, as a tar archive of which it is the first member, under its own name (`.` for the
   * root). What the kernel makes up (proc, sys and their like) is not entered. @throws not_found for the container or the path
   */
  read(
    scope: Scope,
    container: string,
    path: string,
    options?: { readonly noWalk?: boolean },
  ): AsyncIterable<Uint8Array>;

  /**
   * Unpacks a tar archive into a directory, which is made if it is not there; or one file's content over a file that is there.
   * @throws not_found for the container; invalid_argument for a bad archive; what the file system says (a mount that is read-only)
   */
  write(
    scope: Scope,
    container: string,
    path: string,
    archive: AsyncIterable<Uint8Array>,
    options?: { readonly preserveOwnership?: boolean },
  ): Promise<void>;
}
export const ContainerFiles: Slot<ContainerFiles> = slot('io.berth.container-files.v1');
