import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Attachment, openAttachment } from '#client/attach';
import { attachStdin, formatLogUri } from '#lib/log-uri';
import { type ContainerOptions, Rig, type Shim, tasks } from './rig.ts';

export async function rig(): Promise<Rig> {
  const made = new Rig();
  await made.listen();
  return made;
}

export interface Line {
  readonly log: string;
  readonly stream: string;
  readonly time: string;
}

export const linesOf = (path: string): Line[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));

export const textOf = (path: string): string =>
  linesOf(path)
    .map(({ log }) => log)
    .join('');

/** Streams of a container with a json log, without anybody to attach. */
export function logged(r: Rig, id: string, options: Readonly<Record<string, string>> = {}) {
  const path = join(r.directory, `${id}.log`);
  const uri = formatLogUri({ driver: 'json-file', attach: '', options: { path, ...options } });
  return { path, streams: { stdout: uri, stderr: uri } };
}

/** The same with a socket to attach to, which is the input as well. */
export function attachable(r: Rig, id: string, options: Readonly<Record<string, string>> = {}, terminal = false) {
  const path = join(r.directory, `${id}.log`);
  const attach = join(r.directory, `${id}.sock`);
  const uri = formatLogUri({ driver: 'json-file', attach, options: { path, ...options } });
  return { path, attach, streams: { stdin: attachStdin(attach), stdout: uri, stderr: terminal ? '' : uri, terminal } };
}

/** A container that is created, and not started before somebody could attach. */
export async function created(r: Rig, id: string, options: ContainerOptions): Promise<Shim> {
  const shim = await r.start(id, options);
  await shim.create(options);
  return shim;
}

const { signal } = new AbortController();

/** Attaches, and collects what comes. */
export async function follow(path: string, options: { readonly input?: boolean } = {}) {
  const attachment: Attachment = await openAttachment(path, { signal, ...options });
  const pieces: Record<'stdout' | 'stderr', Buffer[]> = { stdout: [], stderr: [] };
  const ended = (async () => {
    for await (const { stream, bytes } of attachment.output) pieces[stream].push(Buffer.from(bytes));
  })();
  const text = (stream: 'stdout' | 'stderr' = 'stdout') => Buffer.concat(pieces[stream]).toString();
  const length = () => pieces.stdout.reduce((sum, { length: bytes }) => sum + bytes, 0);
  return { attachment, ended, text, length };
}

export const start = (shim: Shim) => shim.call(tasks.start, { id: shim.id });
