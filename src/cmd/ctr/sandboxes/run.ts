import { readFile } from 'node:fs/promises';
import { invalidArgument, wrap } from '#base/errors';
import { packSpec } from '#client/any-json';
import { createSandbox, startSandbox } from '#client/sandbox';
import { parseBoundedJson } from '#lib/oci/bounded-json';
import type { Spec } from '#lib/oci/spec/spec';
import type { Command } from '../../cli/command.ts';
import { text } from '../../cli/flags.ts';
import { commandHelp } from '../../cli/help.ts';
import { command } from '../globals.ts';
import { printLine } from '../output.ts';

const runSandbox: Command = command({
  name: 'run',
  aliases: ['create', 'c', 'r'],
  summary: 'run a new sandbox',
  args: '[flags] <pod-config.json> <sandbox-id>',
  flags: { runtime: text('runtime name', { default: 'io.containerd.runc.v2' }) },
  run: async ({ client, scope }, { io, args, flags }) => {
    const [path, id, ...more] = args;
    if (path === undefined || id === undefined || more.length > 0) {
      await io.stdout.write(commandHelp(runSandbox, 'ctr sandboxes run'));
      return 0;
    }
    const spec = await readConfig(path);
    const wanted = { id, runtime: { name: flags.runtime }, spec: packSpec(spec) };
    const sandbox = await createSandbox(client, scope, wanted).catch(failedTo('failed to create new sandbox'));
    await startSandbox(client, scope, sandbox).catch(failedTo('failed to start'));
    await printLine(io, sandbox.id);
    return 0;
  },
});
export default runSandbox;

/** The sandbox's own specification. Its fields are whatever the sandbox's runtime understands. */
async function readConfig(path: string): Promise<Spec> {
  const bytes = await readFile(path).catch(failedTo('failed to read sandbox config'));
  const failed = failedTo('failed to parse sandbox config');
  try {
    const json = parseBoundedJson(bytes, { maxBytes: maxConfigBytes });
    if (typeof json !== 'object' || json === null || Array.isArray(json)) throw invalidArgument('wanted an object');
    return { ociVersion: '', ...json } as Spec;
  } catch (thrown) {
    return failed(thrown);
  }
}

const maxConfigBytes = 8 << 20;

const failedTo =
  (what: string) =>
  (thrown: unknown): never => {
    throw wrap(thrown, what);
  };
