import type { Mount } from '#core/mount';
import { withTempMount } from '#sys/mount';
import type { UntarJob } from './unpack-messages.ts';

/** A directory to write a layer into, and how. */
export type ApplyTarget = Pick<UntarJob, 'root' | 'whiteouts' | 'lowers' | 'unmentionedParents'>;

/**
 * Lets `use` write into what the mounts show. An overlay's upper directory and the source of a bind are written directly: nothing is
 * mounted, and no file of a lower layer is looked up on the way. Everything else is mounted for as long as `use` runs.
 */
export async function withApplyTarget<T>(
  mounts: readonly Mount[],
  options: { readonly keepWhiteouts: boolean; readonly tempDir: string },
  use: (target: ApplyTarget) => Promise<T>,
): Promise<T> {
  const direct = mounts.length === 1 ? directTarget(mounts[0]!, options.keepWhiteouts) : undefined;
  if (direct !== undefined) return await use(direct);
  const temp = options.tempDir === '' ? {} : { tempDir: options.tempDir };
  return await withTempMount(mounts, (root) => use(plainTarget(root, options.keepWhiteouts)), temp);
}

function directTarget(mount: Mount, keepWhiteouts: boolean): ApplyTarget | undefined {
  if (mount.target !== '' || mount.options.includes('ro')) return undefined;
  if (mount.type === 'overlay') return overlayTarget(mount.options);
  const isBind = mount.type === 'bind' || mount.options.includes('bind') || mount.options.includes('rbind');
  if (!isBind || !mount.source.startsWith('/')) return undefined;
  return plainTarget(mount.source, keepWhiteouts);
}

function plainTarget(root: string, keepWhiteouts: boolean): ApplyTarget {
  return keepWhiteouts
    ? { root, whiteouts: 'trusted', lowers: [], unmentionedParents: 'refuse' }
    : { root, whiteouts: 'remove', lowers: [], unmentionedParents: 'make' };
}

function overlayTarget(options: readonly string[]): ApplyTarget | undefined {
  const upper = overlayOption(options, 'upperdir');
  if (upper === undefined) return undefined;
  return {
    root: upper,
    whiteouts: options.includes('userxattr') ? 'user' : 'trusted',
    lowers: overlayLowers(options),
    unmentionedParents: 'make',
  };
}

/** The value of `name=…`; `undefined` when it is not given. */
export function overlayOption(options: readonly string[], name: string): string | undefined {
  return options.find((option) => option.startsWith(`${name}=`))?.slice(name.length + 1);
}

/** The directories of `lowerdir=`, the uppermost first. A backslash makes the next character part of a name. */
export function overlayLowers(options: readonly string[]): readonly string[] {
  const value = overlayOption(options, 'lowerdir') ?? '';
  return (value.match(/(?:\\.|[^:\\])+/g) ?? []).map((path) => path.replaceAll(/\\(.)/g, '$1'));
}
