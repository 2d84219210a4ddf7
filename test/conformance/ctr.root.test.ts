import { expect, test } from 'bun:test';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { busyboxImage } from '#test/support/busybox-image';
import { startDaemon, type TestDaemon } from '#test/support/daemon';
import { DockerRegistry } from '#test/support/docker-registry';
import { writeOciArchive } from '#test/support/oci-archive';
import { sampleImage } from '#test/support/sample-image';

const top = new URL('../..', import.meta.url).pathname;
const script = join(top, 'test/conformance/ctr.sh');

/** Runs the script with a client against a daemon of its own; returns its failed checks and how many succeeded. */
async function drive(client: string): Promise<{ failed: string[]; succeeded: number; code: number }> {
  await using daemon = await startDaemon({ built: true });
  await using mirror = await DockerRegistry.start();
  await using registry = await DockerRegistry.start('/tmp', { user: 'user', password: 'secret' });
  const work = join(daemon.directory, 'work');
  mkdirSync(work);
  const archive = join(work, 'nginx.tar');
  const image = busyboxImage();
  writeOciArchive(archive, 'docker.io/library/nginx:alpine', {
    'linux/amd64': image,
    'linux/arm64': sampleImage(image.layers, { architecture: 'arm64' }),
  });
  const restart = join(work, 'restart');
  await using _ = await restartServer(daemon, restart);
  const child = Bun.spawn(['sh', script], {
    env: {
      ...process.env,
      CTR: client,
      CONTAINERD_ADDRESS: daemon.address,
      ARCHIVE: archive,
      MIRROR: `http://${mirror.host}`,
      PRIVATE: registry.host,
      WORK: work,
      RESTART: `sh ${restart}`,
    },
    stdout: 'pipe',
    stderr: 'inherit',
  });
  const lines = (await new Response(child.stdout).text()).split('\n');
  return {
    code: await child.exited,
    failed: lines.filter((line) => line !== '' && !line.startsWith('ok ')),
    succeeded: lines.filter((line) => line.startsWith('ok ')).length,
  };
}

/** A script that has this process restart the daemon, and waits until it has. */
async function restartServer(daemon: TestDaemon, path: string): Promise<AsyncDisposable> {
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: async () => {
      await daemon.restart();
      return new Response('done');
    },
  });
  writeFileSync(path, `exec ${process.execPath} -e 'await fetch("http://127.0.0.1:${server.port}/")'\n`);
  return { [Symbol.asyncDispose]: () => server.stop(true) };
}

test("Debian's ctr finds all that it expects", async () => {
  const { failed, succeeded, code } = await drive('/usr/bin/ctr');
  expect(failed).toEqual([]);
  expect(succeeded).toBeGreaterThan(90);
  expect(code).toBe(0);
}, 300_000);

test('our ctr prints the same', async () => {
  const { failed, succeeded, code } = await drive(join(top, 'dist/bin/ctr'));
  expect(failed).toEqual([]);
  expect(succeeded).toBeGreaterThan(90);
  expect(code).toBe(0);
}, 300_000);
