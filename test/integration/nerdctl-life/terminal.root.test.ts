import { afterAll, beforeAll, expect, test } from 'bun:test';
import { eventually, type LifeRig, startLifeRig } from './rig.ts';

let rig: LifeRig;
beforeAll(async () => {
  rig = await startLifeRig();
}, 300_000);
afterAll(() => rig?.[Symbol.asyncDispose](), 300_000);

/** nerdctl at a terminal of its own. */
function atTerminal(words: readonly string[], size = { cols: 100, rows: 30 }) {
  const program = new URL('../../../dist/bin/nerdctl', import.meta.url).pathname;
  let shown = '';
  const child = Bun.spawn([program, ...rig.flags, ...words], {
    terminal: {
      ...size,
      data: (_, bytes) => {
        shown += Buffer.from(bytes).toString();
      },
    },
  });
  return {
    ended: child.exited,
    type: (text: string) => void child.terminal?.write(text),
    resize: (cols: number, rows: number) => child.terminal?.resize(cols, rows),
    shows: (text: string) =>
      eventually(
        async () => shown,
        (all) => all.includes(text),
      ),
    signal: (name: NodeJS.Signals) => child.kill(name),
    [Symbol.dispose]: () => {
      if (child.exitCode === null) child.kill('SIGKILL');
      child.terminal?.close();
    },
  };
}

// shows: run --tty, run -t, run --detach-keys, attach, attach --detach-keys
test('a terminal has the user’s size, takes his keys, and is left and found again', async () => {
  const words = ['run', '--network', 'none', '-it', '--name', 'shell', 'busybox', 'sh'];
  {
    using terminal = atTerminal(words);
    await terminal.shows('# ');
    terminal.type('stty size; echo A$((40+2))\r');
    await terminal.shows('30 100');
    await terminal.shows('A42');
    terminal.resize(120, 40);
    terminal.type('while [ "$(stty size)" != "40 120" ]; do sleep 0.05; done; echo grown$((1+1))\r');
    await terminal.shows('grown2');
    terminal.type('sleep 1000\r');
    await eventually(
      () => rig.nerdctl(['top', 'shell']),
      ({ out }) => out.includes('sleep 1000'),
    );
    terminal.type('\x03');
    terminal.type('echo back$((2+2))\r');
    await terminal.shows('back4');
    terminal.type('\x10\x11');
    expect(await terminal.ended).toBe(0);
  }
  expect((await rig.nerdctl(['ps', '-q', '--no-trunc'])).out).not.toBe('');
  {
    using terminal = atTerminal(['attach', '--detach-keys', 'ctrl-x', 'shell']);
    await new Promise((resolve) => setTimeout(resolve, 300));
    terminal.type('echo again$((3+3))\r');
    await terminal.shows('again6');
    terminal.type('\x18');
    expect(await terminal.ended).toBe(0);
  }
  using terminal = atTerminal(['attach', 'shell']);
  await new Promise((resolve) => setTimeout(resolve, 300));
  terminal.type('exit 9\r');
  expect(await terminal.ended).toBe(9);
  await rig.nerdctl(['rm', 'shell']);
}, 300_000);

// shows: exec --tty, exec -t, exec --detach-keys
test('exec has a terminal, too, and can be left', async () => {
  await rig.nerdctl(['run', '--network', 'none', '-d', '--name', 'base', 'busybox', 'sleep', '1000']);
  {
    using terminal = atTerminal(['exec', '-it', 'base', 'sh']);
    await terminal.shows('# ');
    terminal.type('stty size; exit 3\r');
    await terminal.shows('30 100');
    expect(await terminal.ended).toBe(3);
  }
  using terminal = atTerminal(['exec', '-it', '--detach-keys', 'ctrl-a', 'base', 'sh']);
  await terminal.shows('# ');
  terminal.type('sleep 1; yes | head -c 1000000; touch /done\r');
  terminal.type('\x01');
  expect(await terminal.ended).toBe(0);
  // What was left goes on, however much it says to nobody.
  await eventually(
    () => rig.nerdctl(['exec', 'base', 'ls', '/done']),
    ({ code }) => code === 0,
  );
  await rig.nerdctl(['rm', '-f', 'base']);
}, 300_000);

// shows: start --detach-keys, start --sig-proxy
test('start has a terminal that can be left', async () => {
  await rig.nerdctl(['create', '--network', 'none', '-it', '--name', 'later', 'busybox', 'sh']);
  {
    using terminal = atTerminal(['start', '-ai', '--sig-proxy', '--detach-keys', 'ctrl-e,e', 'later']);
    await terminal.shows('# ');
    terminal.type('echo here$((1+1))\r');
    await terminal.shows('here2');
    terminal.type('\x05e');
    expect(await terminal.ended).toBe(0);
  }
  expect((await rig.nerdctl(['top', 'later'])).code).toBe(0);
  await rig.nerdctl(['rm', '-f', 'later']);
}, 300_000);

// shows: run --sig-proxy, attach --sig-proxy, attach --no-stdin
test('signals go to the process, unless they are to stay', async () => {
  const waits = ['sh', '-c', 'trap "echo hup; exit 11" HUP; echo ready; while :; do sleep 0.05; done'];
  {
    using terminal = atTerminal(['run', '--network', 'none', '--rm', 'busybox', ...waits]);
    await terminal.shows('ready');
    terminal.signal('SIGHUP');
    await terminal.shows('hup');
    expect(await terminal.ended).toBe(11);
  }
  await rig.nerdctl(['run', '--network', 'none', '-d', '--name', 'deaf', 'busybox', ...waits]);
  using terminal = atTerminal(['attach', '--no-stdin', '--sig-proxy=false', 'deaf']);
  await new Promise((resolve) => setTimeout(resolve, 300));
  terminal.signal('SIGINT');
  expect(await terminal.ended).not.toBe(11);
  expect((await rig.nerdctl(['top', 'deaf'])).code).toBe(0);
  await rig.nerdctl(['rm', '-f', 'deaf']);
}, 300_000);
