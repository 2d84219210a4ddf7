import { invalidArgument } from '#base/errors';
import { type Rlimit, type Spec, type User, withProcess } from './spec.ts';

export const withArgs = (spec: Spec, args: readonly string[]): Spec => withProcess(spec, { args });

export const withCwd = (spec: Spec, cwd: string): Spec => withProcess(spec, { cwd });

export const withUser = (spec: Spec, user: User): Spec => withProcess(spec, { user });

/** Variables set (`NAME=value`) and, where they are there already, taken away (`NAME`). */
export const withEnv = (spec: Spec, changes: readonly string[]): Spec =>
  changes.length === 0 ? spec : withProcess(spec, { env: mergeEnv(spec.process?.env ?? [], changes) });

/**
 * `defaults` with each change in the place of the variable that it replaces, new ones at the end; `NAME` alone removes a default.
 * Takes time linear in both.
 */
export function mergeEnv(defaults: readonly string[], changes: readonly string[]): readonly string[] {
  const env: (string | undefined)[] = [...defaults];
  const places = new Map(defaults.map((entry, i) => [nameOf(entry), i]));
  for (const entry of changes) {
    const place = places.get(nameOf(entry));
    const isSet = entry.includes('=');
    if (place !== undefined) env[place] = isSet ? entry : undefined;
    else if (isSet) env.push(entry);
  }
  return env.filter((entry) => entry !== undefined);
}

/** A terminal instead of pipes, and the variable that tells programs of what kind. */
export function withTty(spec: Spec): Spec {
  return withProcess(spec, { terminal: true, env: [...(spec.process?.env ?? []), 'TERM=xterm'] });
}

/** Lets programs gain rights that they do not start with (set-user-id). */
export function withNewPrivileges(spec: Spec): Spec {
  const { noNewPrivileges: _, ...process } = spec.process ?? { user: { uid: 0, gid: 0 }, cwd: '/' };
  return { ...spec, process };
}

/** The limit in the place of one of the same type. */
export function withRlimit(spec: Spec, limit: Rlimit): Spec {
  const others = (spec.process?.rlimits ?? []).filter(({ type }) => type !== limit.type);
  return withProcess(spec, { rlimits: [...others, limit] });
}

/** @throws invalid_argument outside -1000…1000. */
export function withOomScoreAdj(spec: Spec, oomScoreAdj: number): Spec {
  if (!Number.isInteger(oomScoreAdj) || Math.abs(oomScoreAdj) > 1000) {
    throw invalidArgument(`oom score adjustment ${oomScoreAdj}: wanted -1000 to 1000`);
  }
  return withProcess(spec, { oomScoreAdj });
}

/** An AppArmor profile that the kernel has already loaded. */
export const withApparmorProfile = (spec: Spec, apparmorProfile: string): Spec =>
  withProcess(spec, { apparmorProfile });

export const withHostname = (spec: Spec, hostname: string): Spec => ({ ...spec, hostname });

export function withAnnotations(spec: Spec, annotations: Readonly<Record<string, string>>): Spec {
  if (Object.keys(annotations).length === 0) return spec;
  return {
    ...spec,
    annotations: Object.fromEntries([...Object.entries(spec.annotations ?? {}), ...Object.entries(annotations)]),
  };
}

/** The directory that becomes the container's root; relative to the bundle unless absolute. */
export const withRootfs = (spec: Spec, path: string): Spec => ({ ...spec, root: { ...spec.root, path } });

export const withReadonlyRootfs = (spec: Spec): Spec => ({
  ...spec,
  root: { path: 'rootfs', ...spec.root, readonly: true },
});

const nameOf = (entry: string) => {
  const equals = entry.indexOf('=');
  return equals < 0 ? entry : entry.slice(0, equals);
};
