import { readFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { invalidArgument } from '#base/errors';
import { spawn } from '#sys/process';
import { defineCommand } from './globals.ts';

/** What a runtime tells its hooks. */
interface HookState {
  readonly id: string;
  readonly bundle: string;
  readonly status: string;
  readonly pid: number;
  readonly annotations: Readonly<Record<string, string>>;
  readonly rootfs: string;
}

const maxStateBytes = 4 << 20;

export default defineCommand({
  name: 'oci-hook',
  summary: 'provides a base for OCI runtime hooks to allow arguments to be injected.',
  args: '-- PROGRAM [ARG...]',
  description:
    'Runs a program as a hook of an OCI runtime. {{id}}, {{bundle}}, {{rootfs}}, {{pid}}, {{status}} and {{annotation "name"}} in its\n   arguments and environment become the container\'s.',
  flags: {},
  async run({ io, args }) {
    if (args.length === 0) throw invalidArgument('a program to run must be given');
    const state = await readState(io.stdin);
    const words = args.map((word) => fill(word, state));
    const env = Object.entries(io.env).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, fill(value, state)] as const],
    );
    const child = spawn(words, { env: Object.fromEntries(env), stdin: 'ignore', stdout: 1, stderr: 2 });
    return (await child.exited).exitCode;
  },
});

async function readState(stdin: AsyncIterable<unknown>): Promise<HookState> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stdin) {
    chunks.push(chunk as Uint8Array);
    length += (chunk as Uint8Array).length;
    if (length > maxStateBytes) throw invalidArgument(`the state on stdin is longer than ${maxStateBytes} bytes`);
  }
  const state = parsed(Buffer.concat(chunks), 'the state on stdin') as Partial<HookState>;
  if (typeof state.bundle !== 'string') throw invalidArgument('the state on stdin names no bundle');
  const config = join(state.bundle, 'config.json');
  const { root } = parsed(await readFile(config), config) as { readonly root?: { readonly path?: string } };
  const path = root?.path ?? '';
  return {
    id: String(state.id ?? ''),
    bundle: state.bundle,
    status: String(state.status ?? ''),
    pid: Number(state.pid ?? 0),
    annotations: state.annotations ?? {},
    rootfs: isAbsolute(path) ? path : join(state.bundle, path),
  };
}

function parsed(bytes: Buffer, what: string): object {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    if (typeof value === 'object' && value !== null) return value;
  } catch (thrown) {
    throw invalidArgument(`${what}: no JSON`, thrown);
  }
  throw invalidArgument(`${what}: not an object`);
}

/** Go's template syntax, as far as hooks use it; what it does not know stays as it is. */
function fill(text: string, state: HookState): string {
  return text.replace(/\{\{\s*(\w+)(?:\s+"([^"]*)")?\s*\}\}/g, (whole, name: string, key: string | undefined) => {
    if (name === 'annotation') return key === undefined ? whole : (state.annotations[key] ?? '');
    const known: Readonly<Record<string, string>> = {
      id: state.id,
      bundle: state.bundle,
      status: state.status,
      rootfs: state.rootfs,
      pid: String(state.pid),
    };
    return Object.hasOwn(known, name) && key === undefined ? (known[name] as string) : whole;
  });
}
