import { expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defer } from '#base/disposal';
import { busyboxImage } from '#test/support/busybox-image';
import { run, startDaemon } from '#test/support/daemon';
import { FakeRegistry } from '#test/support/fake-registry';
import { publish } from '#test/support/sample-image';

const top = new URL('../..', import.meta.url).pathname;
const ctr = (address: string, ...args: readonly string[]) =>
  run(process.execPath, [join(top, 'src/main.ts'), 'ctr', '-a', address, ...args]);

/** The guide's files where its text puts them, in a tree that is this one otherwise. */
function followGuide(): Disposable & { readonly plugin: string; readonly suite: string; readonly root: string } {
  const guide = readFileSync(join(top, 'docs/guides/add-a-snapshotter.md'), 'utf8');
  const [plugin = '', suite = ''] = [...guide.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code = '']) => code);
  const root = mkdtempSync(join(tmpdir(), 'berth-guide-'));
  const folder = join(root, 'src/plugins/snapshots');
  mkdirSync(folder, { recursive: true });
  for (const name of ['src/base', 'src/lib', 'src/core', 'src/api', 'src/sys', 'src/plugins/snapshots/shared'])
    symlinkSync(join(top, name), join(root, name));
  for (const name of ['package.json', 'node_modules']) symlinkSync(join(top, name), join(root, name));
  writeFileSync(join(folder, 'dir.ts'), plugin);
  writeFileSync(join(folder, 'dir.root.test.ts'), suite);
  const remove = () => rmSync(root, { recursive: true });
  return {
    root,
    plugin: join(folder, 'dir.ts'),
    suite: join(folder, 'dir.root.test.ts'),
    [Symbol.dispose]: remove,
  };
}

test("the guide's snapshotter passes the suite", async () => {
  using guide = followGuide();
  const { code, stderr } = await run(process.execPath, ['test', '--cwd', guide.root, guide.suite]);
  expect(stderr).toMatch(/\n\s*[1-9]\d* pass\n\s*0 fail\n/);
  expect(code).toBe(0);
}, 120_000);

test("the guide's snapshotter is loaded as a module, listed, and has an image unpacked", async () => {
  using guide = followGuide();
  await using daemon = await startDaemon({ topConfig: `plugin_modules = ['${guide.plugin}']` });
  const plugins = await ctr(daemon.address, 'plugins', 'ls');
  expect(plugins.stdout).toMatch(/^io\.containerd\.snapshotter\.v1 +dir +\S+ +ok/m);
  await using registry = await FakeRegistry.start();
  publish(registry, 'a/busybox', 'v1', busyboxImage());
  const pulled = await ctr(daemon.address, 'images', 'pull', '--snapshotter', 'dir', `${registry.host}/a/busybox:v1`);
  expect(pulled).toMatchObject({ code: 0 });
  const listed = await ctr(daemon.address, 'snapshots', '--snapshotter', 'dir', 'ls');
  expect(listed.stdout).toContain('Committed');
}, 120_000);

test('a plugin outside the tree needs the package only', async () => {
  const root = mkdtempSync(join(tmpdir(), 'berth-outside-'));
  using _ = defer(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, 'node_modules'));
  symlinkSync(top, join(root, 'node_modules/berth'));
  const plugin = join(root, 'mine.ts');
  writeFileSync(
    plugin,
    `import { definePlugin, SkipPlugin, Snapshotter, table, text } from 'berth/plugin';
export default definePlugin({
  slot: Snapshotter,
  id: 'mine',
  config: table({ why: text({ default: 'no reason' }) }),
  start: ({ config }) => { throw new SkipPlugin(config.why); },
});
`,
  );
  await using daemon = await startDaemon({
    built: true,
    topConfig: `plugin_modules = ['${plugin}']`,
    config: `[plugins.'io.containerd.snapshotter.v1.mine']\nwhy = 'as configured'\n`,
  });
  const { stdout } = await ctr(daemon.address, 'plugins', 'ls', '-d', 'id==mine');
  expect(stdout).toContain('as configured');
}, 120_000);
