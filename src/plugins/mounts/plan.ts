import type { Mount } from '#core/mount';
import type { ActivateOptions } from '#core/mounts/mounts';

/** What can be done with a mount before it is made; the word stands before its type. */
export type Step = 'format' | 'mkfs' | 'mkdir';

/** One mount, and what is to be done with it. */
export interface PlannedMount {
  /** Without the words before its type. */
  readonly mount: Mount;
  /** In the order in which they are to be done. */
  readonly steps: readonly Step[];
}

/** How the work is divided between the manager and its caller. */
export interface Plan {
  /** To be made here. */
  readonly ours: readonly PlannedMount[];
  /** For the caller; the first may still need its steps done. */
  readonly theirs: readonly PlannedMount[];
}

const words: ReadonlySet<string> = new Set<Step>(['format', 'mkfs', 'mkdir']);
const isStep = (word: string): word is Step => words.has(word);

/**
 * Everything up to the last mount that needs us is ours, for mounts refer to earlier ones; a mount that only needs something done first is
 * the caller's afterwards. `undefined` when nothing needs us.
 */
export function planMounts(
  mounts: readonly Mount[],
  handled: ReadonlySet<string>,
  { temporary = false, callerDoes = [] }: ActivateOptions,
): Plan | undefined {
  let first = -1;
  const planned = mounts.map((mount, i): PlannedMount => {
    const { steps, type } = read(mount.type);
    const allowed = (step: Step) => callerDoes.includes(`${step}/*`) || callerDoes.includes(mount.type);
    if (steps.some((step) => !allowed(step))) first = i;
    if (temporary || (handled.has(type) && !callerDoes.includes(type) && !callerDoes.includes(mount.type)))
      first = i + 1;
    return { mount: { ...mount, type }, steps };
  });
  if (first === -1) return undefined;
  // What nobody asks us to do stays as it was given, but for the first: it refers to mounts that the caller does not see.
  const theirs = planned.slice(first).map((each, i) => (i === 0 ? each : untouched(mounts[first + i] as Mount)));
  return { ours: planned.slice(0, first), theirs };
}

const untouched = (mount: Mount): PlannedMount => ({ mount, steps: [] });

/** `format/mkdir/overlay`. Templates are filled in before anything else looks at an option, wherever the word stands. */
function read(text: string): { readonly steps: readonly Step[]; readonly type: string } {
  const parts = text.split('/');
  const steps: Step[] = [];
  while (parts.length > 1 && isStep(parts[0] as string)) steps.push(parts.shift() as Step);
  return { steps: steps.sort((a, b) => Number(b === 'format') - Number(a === 'format')), type: parts.join('/') };
}
