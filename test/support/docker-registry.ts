import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

/** Debian's `docker-registry` on a port of this machine, with its storage in a directory of its own. Dispose ends both. */
export class DockerRegistry implements AsyncDisposable {
  readonly host: string;
  readonly directory: string;
  readonly #process: ChildProcess;

  private constructor(host: string, directory: string, process: ChildProcess) {
    this.host = host;
    this.directory = directory;
    this.#process = process;
  }

  /** With an account, it answers to nobody else. */
  static async start(
    parent = '/tmp',
    account?: { readonly user: string; readonly password: string },
  ): Promise<DockerRegistry> {
    const directory = mkdtempSync(join(parent, 'berth-registry-'));
    const port = await freePort();
    const config = join(directory, 'config.yml');
    const accounts = join(directory, 'htpasswd');
    if (account !== undefined) {
      writeFileSync(
        accounts,
        `${account.user}:${await Bun.password.hash(account.password, { algorithm: 'bcrypt', cost: 4 })}\n`,
      );
    }
    writeFileSync(
      config,
      [
        'version: 0.1',
        'log: {level: error}',
        `storage: {filesystem: {rootdirectory: ${join(directory, 'data')}}, delete: {enabled: true}}`,
        `http: {addr: "127.0.0.1:${port}"}`,
        ...(account === undefined ? [] : [`auth: {htpasswd: {realm: test, path: ${accounts}}}`]),
        '',
      ].join('\n'),
    );
    const child = spawn('docker-registry', ['serve', config], { stdio: 'ignore' });
    const registry = new DockerRegistry(`127.0.0.1:${port}`, directory, child);
    const failed = once(child, 'error').then(([error]) => {
      throw error as Error;
    });
    await Promise.race([failed, registry.#ready()]);
    failed.catch(() => {});
    return registry;
  }

  async #ready(): Promise<void> {
    for (let tries = 0; tries < 2_000; tries++) {
      const answer = await fetch(`http://${this.host}/v2/`).catch(() => undefined);
      if (answer?.ok === true || answer?.status === 401) return;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Error('docker-registry does not answer');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode === null && this.#process.pid !== undefined) {
      const gone = once(this.#process, 'exit');
      this.#process.kill('SIGKILL');
      await gone;
    }
    rmSync(this.directory, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return address.port;
}
