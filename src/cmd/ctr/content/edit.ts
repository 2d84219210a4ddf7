import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fault, invalidArgument, isFault, messageOf } from '#base/errors';
import { type Digest, parseDigest } from '#lib/digest';
import { decodeImageConfig } from '#lib/oci/image-config';
import { decodeIndex, decodeManifest } from '#lib/oci/manifest';
import { mediaTypes } from '#lib/oci/media-types';
import { spawn } from '#sys/process';
import { text } from '../../cli/flags.ts';
import type { Io } from '../../cli/io.ts';
import { command, type Session } from '../globals.ts';
import { printLine } from '../output.ts';

const chunk = 1 << 20;

export default command({
  name: 'edit',
  summary: 'edit a blob and return a new digest',
  args: '[flags] <digest>',
  description: 'Edit a copy of a blob, store what came of it, and print its digest. The blob itself stays as it is.',
  completes: ['content'],
  flags: {
    validate: text('validate the result against a format: json, manifest, index, config'),
    editor: text('select editor (vim, emacs, etc.)', { env: 'EDITOR' }),
  },
  run: async (session, { io, args: [word = ''], flags }) => {
    const check = validatorOf(flags.validate);
    const digest = parseDigest(word);
    if (flags.editor === '') throw invalidArgument('editor is required');
    const directory = await mkdtemp(join(io.env.XDG_RUNTIME_DIR || tmpdir(), 'edit-'));
    try {
      const file = join(directory, 'blob');
      await copyOut(session, digest, file);
      await edit(io, flags.editor, file);
      if (check !== undefined) check(await readFile(file));
      await printLine(io, await store(session, file));
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
    return 0;
  },
});

/** Throws where the bytes are not what they are to be. */
type Validator = (bytes: Uint8Array) => unknown;

function validatorOf(format: string): Validator | undefined {
  const validators: Readonly<Record<string, Validator>> = {
    json: (bytes) => JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown,
    manifest: (bytes) => decodeManifest(bytes, mediaTypes.ociManifest),
    index: (bytes) => decodeIndex(bytes, mediaTypes.ociIndex),
    config: decodeImageConfig,
  };
  if (format === '') return undefined;
  const validator = Object.hasOwn(validators, format) ? validators[format] : undefined;
  if (validator === undefined)
    throw invalidArgument(
      `validate: wanted one of ${Object.keys(validators).join(', ')}, got ${JSON.stringify(format)}`,
    );
  return (bytes) => {
    try {
      validator(bytes);
    } catch (thrown) {
      throw invalidArgument(`the result is no ${format}: ${messageOf(thrown)}`, thrown);
    }
  };
}

async function copyOut({ client, scope }: Session, digest: Digest, path: string): Promise<void> {
  await using blob = await client.content.open(scope, digest);
  await using file = await open(path, 'wx', 0o600);
  for (let offset = 0; offset < blob.size; ) {
    const bytes = await blob.read(offset, chunk);
    await file.writeFile(bytes);
    offset += bytes.length;
  }
}

/** The editor gets our terminal. It may be several words: a shell reads them. */
async function edit(io: Io, editor: string, file: string): Promise<void> {
  const env = Object.fromEntries(
    Object.entries(io.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
  const child = spawn(['sh', '-c', `${editor} "$1"`, 'sh', file], {
    env,
    cwd: io.cwd,
    stdin: io.stdin.fd ?? 'ignore',
    stdout: io.stdout.fd ?? 'ignore',
    stderr: io.stderr.fd ?? 'ignore',
  });
  const { exitCode } = await child.exited;
  if (exitCode !== 0) throw fault('aborted', `editor ${JSON.stringify(editor)} ended with ${exitCode}`);
}

async function store({ client, scope }: Session, file: string): Promise<Digest> {
  await using writer = await client.content.writer(scope, `edit-${randomBytes(8).toString('hex')}`);
  for await (const bytes of createReadStream(file, { highWaterMark: chunk })) await writer.write(bytes as Uint8Array);
  const digest = writer.digest();
  await writer.commit(0, digest).catch((thrown: unknown) => {
    if (!isFault(thrown, 'already_exists')) throw thrown; // nothing was changed, or somebody has stored the same
  });
  return digest;
}
