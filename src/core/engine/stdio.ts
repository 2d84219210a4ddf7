import type { Stdio } from '#core/runtime/runtime';
import type { ContainerSettings } from './container-settings.ts';

/** What a container's task is created with, as its settings say. */
export const stdioOf = ({ streams }: Pick<ContainerSettings, 'streams'>): Stdio => ({
  stdin: streams.stdin,
  stdout: streams.stdout,
  // A terminal has one stream only.
  stderr: streams.terminal ? '' : streams.stderr,
  terminal: streams.terminal,
});
