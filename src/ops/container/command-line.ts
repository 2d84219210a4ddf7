import { isAbsolute, normalize } from 'node:path';
import { invalidArgument } from '#base/errors';
import type { RunConfig } from '#lib/oci/image-config';
import { mergeEnv } from '#lib/oci/spec/process';
import type { CreateOptions } from './create-options.ts';
import { initPath } from './spec/mounts.ts';

export interface CommandLine {
  readonly entrypoint: readonly string[] | undefined;
  readonly cmd: readonly string[] | undefined;
  readonly args: readonly string[];
  readonly env: readonly string[];
  /** Of these what the user and the image say. */
  readonly asked: readonly string[];
  readonly cwd: string;
  readonly systemd: boolean;
}

const usualPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const systemds = new Set([
  '/sbin/init',
  '/usr/sbin/init',
  '/usr/local/sbin/init',
  '/lib/systemd/systemd',
  '/usr/lib/systemd/systemd',
]);

/** What is run: the image's words, the user's in their places. @throws invalid_argument in docker's words */
export function commandLine(
  { args = [], process = {}, streams = {} }: CreateOptions,
  image: Pick<RunConfig, 'entrypoint' | 'cmd' | 'env' | 'workingDir'>,
  hostname: string,
): CommandLine {
  // An entrypoint of the user's leaves nothing of the image's command.
  const entrypoint = process.entrypoint ?? image.entrypoint;
  const cmd = args.length > 0 ? args : process.entrypoint === undefined ? image.cmd : undefined;
  const words = [...(entrypoint ?? []), ...(cmd ?? [])];
  if (words.length === 0) throw invalidArgument('no command specified');
  const cwd = process.workdir || image.workingDir || '/';
  if (!isAbsolute(cwd))
    throw invalidArgument(`the working directory '${cwd}' is invalid, it needs to be an absolute path`);
  const systemd = process.systemd === 'always' || (process.systemd === 'true' && systemds.has(words[0] ?? ''));
  const own = [
    usualPath,
    `HOSTNAME=${hostname}`,
    ...(streams.tty ? ['TERM=xterm'] : []),
    ...(systemd ? ['container=docker'] : []),
  ];
  return {
    entrypoint,
    cmd,
    args: process.init ? [initPath, '--', ...words] : words,
    env: mergeEnv(mergeEnv(own, image.env), process.env ?? []),
    asked: mergeEnv(image.env, process.env ?? []),
    cwd: normalize(cwd),
    systemd,
  };
}
