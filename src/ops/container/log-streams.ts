import { join } from 'node:path';
import { invalidArgument } from '#base/errors';
import type { StreamSettings } from '#core/engine/container-settings';
import { parseTemplate } from '#lib/go-template/template';
import { attachStdin, formatLogUri } from '#lib/log-uri';
import type { StreamOptions } from './create-options.ts';
import { isTrue, type LogConfig } from './parse/log.ts';
import { parseSize } from './parse/size.ts';

export interface LoggedContainer {
  readonly id: string;
  readonly name: string;
  readonly image: string;
  readonly imageId: string;
  readonly stateDir: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly env: readonly string[];
}

/** Where the streams of a container's process go. @throws invalid_argument for options that make no sense */
export function streamSettings(container: LoggedContainer, streams: StreamOptions, log: LogConfig): StreamSettings {
  const { tty = false, interactive = false, attach = [] } = streams;
  const socket = join(container.stateDir, 'attach.sock');
  const logPath =
    log.driver === 'json-file' ? log.options['log-path'] || join(container.stateDir, `${container.id}-json.log`) : '';
  const stdinOnce = interactive && attach.includes('stdin');
  const options = { ...uriOptions(container, log, logPath), ...(stdinOnce && { 'stdin-once': 'true' }) };
  const uri = formatLogUri({ driver: log.driver, attach: socket, options });
  return {
    terminal: tty,
    openStdin: interactive,
    stdinOnce,
    stdin: interactive ? attachStdin(socket) : '',
    stdout: uri,
    stderr: uri,
    logDriver: log.driver,
    logOptions: log.options,
    logPath,
  };
}

function uriOptions(
  container: LoggedContainer,
  { driver, options }: LogConfig,
  logPath: string,
): Record<string, string> {
  if (driver === 'none') return {};
  const tag = tagOf(container, options.tag ?? '');
  const attributes = { ...described(container, options), ...(driver === 'json-file' && options.tag ? { tag } : {}) };
  const attrs = Object.keys(attributes).length === 0 ? {} : { attrs: JSON.stringify(sorted(attributes)) };
  if (driver === 'json-file') {
    const size = options['max-size'] ?? '-1';
    return {
      path: logPath,
      ...(size !== '-1' && { 'max-size': String(parseSize(size)) }),
      ...(options['max-file'] !== undefined && { 'max-file': options['max-file'] }),
      ...attrs,
    };
  }
  const own = Object.entries(options).filter(([key]) => !/^(labels|env|tag)/.test(key));
  return {
    'container-id': container.id,
    'container-name': container.name,
    'image-name': container.image,
    tag,
    ...attrs,
    ...Object.fromEntries(own.map(([key, value]) => [key, valueFor(key, value)])),
  };
}

/** Sizes in bytes, truth in one word. */
function valueFor(key: string, value: string): string {
  if (/size$|limit$/.test(key)) return String(parseSize(value));
  return /async$|precision$/.test(key) ? String(isTrue(value)) : value;
}

/** docker's names for what a tag may show. */
function tagOf({ id, name, image, imageId, env }: LoggedContainer, text: string): string {
  if (text === '') return id.slice(0, 12);
  try {
    return parseTemplate(text).render({
      ID: id.slice(0, 12),
      FullID: id,
      Name: name,
      ImageName: image,
      ImageID: imageId.replace(/^sha256:/, '').slice(0, 12),
      ImageFullID: imageId,
      DaemonName: 'docker',
      ContainerID: id,
      ContainerName: `/${name}`,
      ContainerEnv: env,
    });
  } catch (cause) {
    throw invalidArgument(`log opt tag: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  }
}

/** Labels and variables that go with every line. */
function described({ labels, env }: LoggedContainer, options: LogConfig['options']): Record<string, string> {
  const variables = Object.fromEntries(
    env.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
  ) as Record<string, string>;
  return {
    ...chosen(labels, options.labels, options['labels-regex']),
    ...chosen(variables, options.env, options['env-regex']),
  };
}

function chosen(from: Readonly<Record<string, string>>, names = '', pattern = ''): Record<string, string> {
  const wanted = new Set(names.split(',').filter((name) => name !== ''));
  const matches = pattern === '' ? () => false : matcher(pattern);
  return Object.fromEntries(Object.entries(from).filter(([key]) => wanted.has(key) || matches(key)));
}

function matcher(pattern: string): (text: string) => boolean {
  try {
    const regex = new RegExp(pattern);
    return (text) => regex.test(text);
  } catch (cause) {
    throw invalidArgument(`log opt: ${JSON.stringify(pattern.slice(0, 100))} is no regular expression`, cause);
  }
}

const sorted = (map: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
