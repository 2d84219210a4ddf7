import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { nerdctl } from '#cmd/nerdctl/program';
import { type BusyboxDaemon, startBusyboxDaemon } from '#test/support/busybox-daemon';
import { DockerRegistry } from '#test/support/docker-registry';
import { type ProgramInput, type Ran, runProgramForTest } from '#test/support/run-program';

/** nerdctl at a daemon that has the image `busybox`, and a registry that lets in `me` with `secret` only. */
export class ImageRig implements AsyncDisposable {
  readonly daemon: BusyboxDaemon;
  readonly registry: DockerRegistry;
  readonly directory: string;
  readonly #held: AsyncDisposableStack;

  private constructor(daemon: BusyboxDaemon, registry: DockerRegistry, directory: string, held: AsyncDisposableStack) {
    this.daemon = daemon;
    this.registry = registry;
    this.directory = directory;
    this.#held = held;
  }

  static async start(): Promise<ImageRig> {
    await using open = new AsyncDisposableStack();
    const directory = mkdtempSync('/tmp/berth-images-');
    open.defer(() => rmSync(directory, { recursive: true }));
    const registry = open.use(await DockerRegistry.start('/tmp', { user: 'me', password: 'secret' }));
    const daemon = open.use(await startBusyboxDaemon());
    const rig = new ImageRig(daemon, registry, directory, open.move());
    // The daemon's test image has a name of its own; docker's users know another.
    await rig.out('tag', 'busybox', 'busybox');
    await daemon.client.images.delete(daemon.scope, 'busybox');
    return rig;
  }

  readonly run = (...argv: readonly string[]): Promise<Ran> => this.runWith({}, ...argv);

  readonly runWith = (input: ProgramInput, ...argv: readonly string[]): Promise<Ran> => {
    const { address } = this.daemon.daemon;
    const globals = ['-a', address, '-n', this.daemon.scope.namespace, '--data-root', join(this.directory, 'data')];
    const env = { DOCKER_CONFIG: join(this.directory, 'docker'), PATH: process.env.PATH ?? '', ...input.env };
    return runProgramForTest(nerdctl, [...globals, ...argv], { ...input, env });
  };

  /** What it printed. @throws with its words when it failed */
  readonly out = async (...argv: readonly string[]): Promise<string> => {
    const ran = await this.run(...argv);
    if (ran.code !== 0) throw new Error(`${argv.join(' ')}: ${ran.code}: ${ran.err}`);
    return ran.out;
  };

  readonly busyboxId = async (): Promise<string> => (await this.out('images', '-q', '--no-trunc', 'busybox')).trim();

  [Symbol.asyncDispose](): Promise<void> {
    return this.#held.disposeAsync();
  }
}
