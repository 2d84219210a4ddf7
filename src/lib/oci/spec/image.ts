import type { RunConfig } from '../image-config.ts';
import { defaultPath } from './default-spec.ts';
import { mergeEnv } from './process.ts';
import { type Spec, type User, withProcess } from './spec.ts';

export interface ImageOptions {
  /** The image's USER, resolved in its own files. */
  readonly user: User;
  /** Takes the place of the image's command, behind its entrypoint. */
  readonly args?: readonly string[];
}

/**
 * Lets the image say how it wants to be run: user, environment, working directory, entrypoint and command.
 * Variables that the spec already has win over the image's. An image without environment gets a `PATH`.
 */
export function withImageConfig(spec: Spec, config: RunConfig, { user, args }: ImageOptions): Spec {
  const command = args !== undefined && args.length > 0 ? args : (config.cmd ?? []);
  const env = config.env.length > 0 ? config.env : [defaultPath];
  const all = [...(config.entrypoint ?? []), ...command];
  return withProcess(spec, {
    user,
    ...(all.length > 0 && { args: all }),
    env: mergeEnv(env, spec.process?.env ?? []),
    cwd: config.workingDir === '' ? '/' : config.workingDir,
  });
}

/** The label under which a container keeps its image's stop signal. */
export const stopSignalLabel = 'io.containerd.image.config.stop-signal';

/**
 * The image's labels that a container may take over. Names that containerd or nerdctl give a meaning to stay behind: an image must not be
 * able to tell the daemon what to run on the host (CVE-2026-53488), nor a command which file to write there.
 */
export function inheritedLabels(config: RunConfig): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(config.labels).filter(([key]) => !isReserved(key)));
}

const reserved = ['containerd.io/', 'io.containerd.', 'io.cri-containerd', 'nerdctl/'];
const isReserved = (key: string) => reserved.some((prefix) => key.startsWith(prefix));
