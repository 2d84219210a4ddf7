import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Under the names of 1.x and of 2.x; what a version does not have it passes over. */
const criPlugins = ['io.containerd.grpc.v1.cri', 'io.containerd.cri.v1.images', 'io.containerd.cri.v1.runtime'];

/** A containerd without CRI, Debian's unless told, in a directory of its own. Dispose ends it. */
export class DebianContainerd implements AsyncDisposable {
  readonly address: string;
  readonly directory: string;
  readonly #process: ChildProcess;

  private constructor(directory: string, tables: string, programs: string) {
    this.directory = directory;
    this.address = join(directory, 'c.sock');
    const config = join(directory, 'config.toml');
    const lines = [
      'version = 2',
      `root = "${directory}/root"`,
      `state = "${directory}/state"`,
      `disabled_plugins = [${criPlugins.map((id) => `"${id}"`).join(', ')}]`,
      `[grpc]\naddress = "${this.address}"`,
      tables,
    ];
    writeFileSync(config, `${lines.join('\n')}\n`);
    this.#process = spawn(join(programs, 'containerd'), ['-c', config, '-l', 'error'], {
      // It leaves the files of a checkpoint that fails. Its own shim comes first.
      env: { ...process.env, TMPDIR: this.directory, PATH: `${programs}:${process.env.PATH}` },
      stdio: 'ignore',
    });
  }

  get pid(): number {
    if (this.#process.pid === undefined) throw new Error("Debian's containerd does not run");
    return this.#process.pid;
  }

  /** `tables`: further tables for its configuration. `programs`: where it and its shim are. */
  static async start(parent: string, tables = '', programs = '/usr/bin'): Promise<DebianContainerd> {
    const daemon = new DebianContainerd(mkdtempSync(join(parent, 'debian-containerd-')), tables, programs);
    for (let tries = 0; tries < 200; tries++) {
      if (spawnSync('/usr/bin/ctr', ['-a', daemon.address, 'version'], { stdio: 'ignore' }).status === 0) return daemon;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    await daemon[Symbol.asyncDispose]();
    throw new Error("Debian's containerd does not start");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode === null) {
      const gone = once(this.#process, 'exit');
      this.#process.kill('SIGTERM');
      await gone;
    }
    rmSync(this.directory, { recursive: true, force: true });
  }
}
