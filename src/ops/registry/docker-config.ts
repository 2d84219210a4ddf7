import { randomUUID } from 'node:crypto';
import { chmod, mkdir, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { invalidArgument, isFault } from '#base/errors';
import type { Credentials, CredentialsOf } from '#lib/registry/credentials';
import { helperErase, helperGet, helperStore } from './credential-helper.ts';

type Json = Readonly<Record<string, unknown>>;

/** The name under which docker keeps what is for its own registry. */
const dockerServer = 'https://index.docker.io/v1/';

/** Of a helper: the secret is a token that was given for a password. */
const tokenUser = '<token>';

/** docker's `config.json`: who the user is to which registry. Read when it is opened; members that are not known stay as they are. */
export class DockerConfig {
  readonly path: string;
  #content: Json;

  private constructor(path: string, content: Json) {
    this.path = path;
    this.#content = content;
  }

  /** One that is not there is empty. @throws invalid_argument for what is no JSON */
  static async open(directory: string): Promise<DockerConfig> {
    const path = join(directory, 'config.json');
    try {
      const content: unknown = JSON.parse(await readFile(path, 'utf8'));
      if (typeof content === 'object' && content !== null && !Array.isArray(content))
        return new DockerConfig(path, content as Json);
      throw new SyntaxError('it is no object');
    } catch (thrown) {
      if (isFault(thrown, 'not_found')) return new DockerConfig(path, {});
      if (thrown instanceof SyntaxError) throw invalidArgument(`error loading config file: ${path}: ${thrown.message}`);
      throw thrown;
    }
  }

  /** For transfers: asked with the names of servers. */
  readonly credentialsOf: CredentialsOf = (host) => this.get(host);

  /** What is known for a registry: from its helper, from the file. @throws failed_precondition of a helper that fails */
  async get(registry: string): Promise<Credentials | undefined> {
    const server = serverName(registry);
    const helper = this.#helperFor(server);
    if (helper !== undefined) {
      const kept = await helperGet(helper, server);
      if (kept !== undefined)
        return kept.user === tokenUser ? { identityToken: kept.secret } : { user: kept.user, password: kept.secret };
    }
    const auths = objectIn(this.#content, 'auths');
    const key =
      Object.keys(auths).find((each) => each === server) ??
      Object.keys(auths).find((each) => hostOf(each) === hostOf(server));
    return key === undefined ? undefined : credentialsIn(objectIn(auths, key));
  }

  /** The helper that keeps what is for this registry; undefined: the file. */
  helper(registry: string): string | undefined {
    return this.#helperFor(serverName(registry));
  }

  /** Keeps them, in place of what was there. @throws failed_precondition of a helper that fails */
  async store(
    registry: string,
    { user, password }: { readonly user: string; readonly password: string },
  ): Promise<void> {
    const server = serverName(registry);
    const helper = this.#helperFor(server);
    if (helper !== undefined) await helperStore(helper, server, { user, secret: password });
    const entry = helper === undefined ? { auth: Buffer.from(`${user}:${password}`).toString('base64') } : {};
    await this.#write({ ...this.#content, auths: { ...objectIn(this.#content, 'auths'), [server]: entry } });
  }

  /** Forgets what is for a registry, and tells whether there was something. @throws failed_precondition of a helper that fails */
  async erase(registry: string): Promise<boolean> {
    const server = serverName(registry);
    const helper = this.#helperFor(server);
    if (helper !== undefined) await helperErase(helper, server);
    const auths = Object.entries(objectIn(this.#content, 'auths'));
    const kept = auths.filter(([key]) => key !== server && hostOf(key) !== hostOf(server));
    if (kept.length === auths.length) return helper !== undefined;
    await this.#write({ ...this.#content, auths: Object.fromEntries(kept) });
    return true;
  }

  #helperFor(server: string): string | undefined {
    const helpers = objectIn(this.#content, 'credHelpers');
    const named = helpers[server] ?? helpers[hostOf(server)];
    if (typeof named === 'string' && named !== '') return named;
    const { credsStore } = this.#content;
    return typeof credsStore === 'string' && credsStore !== '' ? credsStore : undefined;
  }

  /** Whole or not at all, readable by its owner only. One that is a link to a file stays it. */
  async #write(content: Json): Promise<void> {
    const path = await realpath(this.path).catch(() => this.path); // not there yet
    await mkdir(join(path, '..'), { recursive: true, mode: 0o700 });
    const temporary = `${path}.${randomUUID().slice(0, 8)}`;
    try {
      await writeFile(temporary, `${JSON.stringify(content, null, '\t')}\n`, { mode: 0o600 });
      await chmod(temporary, 0o600);
      await rename(temporary, path);
    } catch (thrown) {
      await rm(temporary, { force: true });
      throw thrown;
    }
    this.#content = content;
  }
}

/** Where docker's users have it. */
export const dockerConfigDirectory = (environment: Readonly<Record<string, string | undefined>>): string =>
  environment.DOCKER_CONFIG || join(environment.HOME || '/root', '.docker');

/** How docker calls a registry in its file: by its host, but for its own. */
export function serverName(registry: string): string {
  const host = hostOf(registry);
  return ['docker.io', 'index.docker.io', 'registry-1.docker.io', 'registry.docker.io'].includes(host)
    ? dockerServer
    : host;
}

const hostOf = (server: string): string => server.replace(/^https?:\/\//, '').replace(/\/.*$/, '');

function objectIn(of: Json, key: string): Json {
  const value = of[key];
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

function credentialsIn(entry: Json): Credentials | undefined {
  const word = (key: string): string => (typeof entry[key] === 'string' ? entry[key] : '');
  if (word('identitytoken') !== '') return { identityToken: word('identitytoken') };
  if (word('registrytoken') !== '') return { header: `Bearer ${word('registrytoken')}` };
  const pair = Buffer.from(word('auth'), 'base64').toString().replace(/\0+$/, '');
  const at = pair.indexOf(':');
  if (at > 0) return { user: pair.slice(0, at), password: pair.slice(at + 1) };
  return word('username') === '' ? undefined : { user: word('username'), password: word('password') };
}
