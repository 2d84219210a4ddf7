import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { within } from '#base/cancellation';
import { duration, number, table, text } from '#base/config';
import { isFault, wrap } from '#base/errors';
import type { Log } from '#base/log';
import type { Descriptor } from '#core/descriptor';
import { ImageVerifier } from '#core/images/verifier';
import { definePlugin } from '#core/plugin/plugin';
import { run } from '#sys/process';

/** What is kept of what a verifier says; the rest is read and dropped. */
const maxReasonBytes = 32 * 1024;
const inputType = 'application/vnd.oci.descriptor.v1+json';

export interface BindirOptions {
  readonly directory: string;
  /** Negative: all of them. */
  readonly maxVerifiers: number;
  readonly timeoutMs: number;
  readonly log: Log;
}

/** Programs in a directory, all of which must allow an image. */
export default definePlugin({
  slot: ImageVerifier,
  id: 'bindir',
  config: table({
    bin_dir: text({
      default: '/opt/containerd/image-verifier/bin',
      help: 'Where the programs are that judge images before they are pulled. No such directory: every image may be.',
    }),
    max_verifiers: number({
      default: 10,
      min: -1,
      help: 'Most programs to ask, by name; the others are left out, with a warning. -1: all of them.',
    }),
    per_verifier_timeout: duration({
      default: '10s',
      help: 'How long each may take; one that takes longer is ended, and has said no.',
    }),
  }),
  start({ config, log }) {
    const { bin_dir: directory, max_verifiers: maxVerifiers, per_verifier_timeout: timeoutMs } = config;
    return bindirVerifier({ directory, maxVerifiers, timeoutMs, log });
  },
});

/** @internal for tests */
export function bindirVerifier({ directory, maxVerifiers, timeoutMs, log }: BindirOptions): ImageVerifier {
  return {
    async verify(name, target, signal) {
      const programs = await programsIn(directory);
      if (programs === undefined)
        return { allowed: true, reason: `image verifier directory ${directory} does not exist` };
      const asked = maxVerifiers < 0 ? programs : programs.slice(0, maxVerifiers);
      if (asked.length < programs.length)
        log.warn('image verifiers are left out: there are more than max_verifiers', {
          directory,
          found: programs.length,
          asked: asked.length,
        });
      const reasons: string[] = [];
      for (const program of asked) {
        const question = { name, target, signal: within(timeoutMs, signal), log };
        const { exitCode, said } = await ask(join(directory, program), question);
        if (exitCode !== 0)
          return { allowed: false, reason: `verifier ${program} rejected image (exit code ${exitCode}): ${said}` };
        reasons.push(`${program} => ${said}`);
      }
      return { allowed: true, reason: reasons.join(', ') || `no image verifier binaries found in ${directory}` };
    },
  };
}

/** Their names in order; `undefined` without a directory. Whatever lies there counts: what cannot be run allows nothing. */
async function programsIn(directory: string): Promise<readonly string[] | undefined> {
  try {
    return (await readdir(directory)).sort();
  } catch (error) {
    if (isFault(error, 'not_found')) return undefined;
    throw wrap(error, `image verifiers in ${directory}`);
  }
}

interface Question {
  readonly name: string;
  readonly target: Descriptor;
  readonly signal: AbortSignal;
  readonly log: Log;
}

async function ask(program: string, { name, target, signal, log }: Question) {
  const args = ['-name', name, '-digest', target.digest, '-stdin-media-type', inputType];
  try {
    const { exitCode, stdout, stderr } = await run([program, ...args], {
      cwd: '/',
      env: environment(),
      input: new TextEncoder().encode(JSON.stringify(target)),
      signal,
      maxOutput: maxReasonBytes,
      endGroup: true,
    });
    if (stderr !== '') log.debug('image verifier', { program, said: stderr });
    return { exitCode, said: stdout.trim() };
  } catch (thrown) {
    throw wrap(thrown, `failed to call verifier ${program}`);
  }
}

const environment = (): Record<string, string> =>
  Object.fromEntries(Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined));
