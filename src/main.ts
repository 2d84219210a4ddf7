#!/usr/bin/env bun
/**
 * The one executable behind several names: the name under which it was started chooses the program, or, under any other name,
 * its first argument. Programs are imported when they are chosen, so that a client does not pay for the daemon.
 */
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { programDirectory } from '#base/program-directory';
import type { Program } from '#cmd/cli/command';
import { processIo } from '#cmd/cli/process-io';
import { runProgram } from '#cmd/cli/run';

const programs: Readonly<Record<string, () => Promise<Program>>> = {
  containerd: async () => (await import('#cmd/containerd/program')).containerd(ownPath()),
  ctr: async () => (await import('#cmd/ctr/program')).ctr,
  nerdctl: async () => (await import('#cmd/nerdctl/program')).nerdctl,
  'ctd-decoder': async () => (await import('#cmd/ctd-decoder/program')).ctdDecoder,
};

// The launcher's, of native/launcher: they were read when this process began, and are nothing for those that it starts.
for (const name of Object.keys(process.env)) if (name.startsWith('BUN_JSC_')) delete process.env[name];

process.exit(await main());

async function main(): Promise<number> {
  const startedAs = basename(readFileSync('/proc/self/cmdline', 'utf8').split('\0')[0] ?? '');
  const words = process.argv.slice(2);
  const byName = Object.hasOwn(programs, startedAs);
  const name = byName ? startedAs : (words[0] ?? '');
  const load = Object.hasOwn(programs, name) ? programs[name] : undefined;
  if (load !== undefined) return runProgram(await load(), processIo(byName ? words : words.slice(1)));
  const known = Object.keys(programs).join(', ');
  process.stderr.write(`berth: start it as one of ${known}, or give one of these as the first argument\n`);
  return 1;
}

/** The path that starts the daemon's program again. */
function ownPath(): string {
  if (!import.meta.path.startsWith('/$bunfs/')) return import.meta.path;
  const beside = join(programDirectory(), 'containerd');
  return existsSync(beside) ? beside : process.execPath;
}
