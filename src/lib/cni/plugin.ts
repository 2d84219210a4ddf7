import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { fault, notFound } from '#base/errors';
import type { JsonObject } from './network-config.ts';

/** What a plugin is told besides its configuration. */
export interface PluginCall {
  readonly command: 'ADD' | 'DEL';
  readonly containerId: string;
  /** Path of the network namespace; empty with DEL when it has gone. */
  readonly netns: string;
  readonly ifName: string;
  /** Where plugins are looked for. */
  readonly path: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** `CNI_ARGS`: `IP=10.4.0.9;MAC=…`. */
  readonly args?: string;
  /** The longest that one plugin may take: it is killed then, with whatever it has started. */
  readonly timeoutMs?: number;
}

const maxOutput = 1 << 20;
const usualTimeoutMs = 60_000;

/** Runs one plugin and returns what it printed. @throws not_found for the executable; unknown with the plugin's own words */
export async function runPlugin(type: string, config: JsonObject, call: PluginCall): Promise<string> {
  const executable = await find(type, call.path);
  const child = spawn(executable, [], {
    env: {
      ...call.environment,
      CNI_COMMAND: call.command,
      CNI_CONTAINERID: call.containerId,
      CNI_NETNS: call.netns,
      CNI_IFNAME: call.ifName,
      CNI_ARGS: call.args ?? '',
      CNI_PATH: call.path.join(':'),
    },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true, // a group, so that all of it can be ended
  });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    process.kill(-(child.pid as number), 'SIGKILL');
  }, call.timeoutMs ?? usualTimeoutMs);
  const said = { out: '', err: '' };
  child.stdout.on('data', (bytes: Buffer) => {
    if (said.out.length < maxOutput) said.out += bytes.toString('utf8');
  });
  child.stderr.on('data', (bytes: Buffer) => {
    if (said.err.length < maxOutput) said.err += bytes.toString('utf8');
  });
  child.stdin.on('error', () => {}); // it may end without reading: its exit code tells
  child.stdin.end(JSON.stringify(config));
  const [code] = (await once(child, 'close').finally(() => clearTimeout(timer))) as [number | null];
  if (late) throw fault('deadline_exceeded', 'netplugin did not end in time');
  if (code !== 0) throw fault('unknown', complaint(said.out, said.err));
  return said.out;
}

async function find(type: string, path: readonly string[]): Promise<string> {
  for (const directory of path) {
    const file = join(directory, type);
    const there = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (there) return file;
  }
  throw notFound(`failed to find plugin ${JSON.stringify(type)} in path [${path.join(' ')}]`);
}

/** Why it failed: plugins say it on standard output, as JSON. */
function complaint(out: string, err: string): string {
  if (out === '') return err === '' ? 'netplugin failed with no error message' : `netplugin failed: ${err.trim()}`;
  try {
    const { msg = '', details = '' } = JSON.parse(out) as { readonly msg?: string; readonly details?: string };
    return details === '' ? msg : `${msg}; ${details}`;
  } catch {
    return `netplugin failed: ${out.trim()}`;
  }
}
