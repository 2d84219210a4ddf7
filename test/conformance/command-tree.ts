import type { Program } from '#cmd/cli/command';
import { containerd } from '#cmd/containerd/program';
import { ctr } from '#cmd/ctr/program';
import { commandTree, lacking } from '#test/support/command-tree';
import { run } from '#test/support/daemon';
import { runProgramForTest } from '#test/support/run-program';

/** What another program has and ours has not, each with its reason. */
const reasons: Readonly<Record<string, string>> = {};

export interface Comparison {
  /** Commands that both have. */
  readonly common: number;
  /** What ours lacks without a reason. */
  readonly missing: readonly string[];
  /** Reasons for what is not missing any more. */
  readonly stale: readonly string[];
}

/** Compares the trees of commands, flags, aliases, defaults and variables that two programs show in their help. */
export async function compareTrees(theirs: string, ours: Program): Promise<Comparison> {
  const wanted = await commandTree(async (path) => (await run(theirs, [...path, '--help'])).stdout);
  const has = await commandTree(async (path) => (await runProgramForTest(ours, [...path, '--help'])).out);
  const all = lacking(wanted, has).map((line) => `${ours.name} ${line}`);
  return {
    common: [...wanted.keys()].filter((path) => has.has(path)).length,
    missing: all.filter((line) => !Object.hasOwn(reasons, line)),
    stale: Object.keys(reasons).filter(
      (line) =>
        line.startsWith(`${ours.name} `) && speaksOf(wanted, line.slice(ours.name.length + 1)) && !all.includes(line),
    ),
  };
}

/** Whether a line is about something that the tree has: reasons for newer programs say nothing to older ones. */
const speaksOf = (tree: ReadonlyMap<string, unknown>, line: string): boolean => tree.has(line.split(':')[0] ?? '');

export const programs: Readonly<Record<string, Program>> = { ctr, containerd: containerd('') };
