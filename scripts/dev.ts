/**
 * `npm run dev`: a daemon from source in a private root, with a debug log. Arguments go to the daemon; BERTH_DEV_ROOT chooses the
 * directory (it stays, so that the next run finds the images of this one).
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const top = new URL('..', import.meta.url).pathname;
const root = process.env.BERTH_DEV_ROOT ?? '/tmp/berth-dev';
const address = join(root, 'containerd.sock');
const config = join(root, 'config.toml');

mkdirSync(root, { recursive: true, mode: 0o700 });
if (!existsSync(config)) {
  writeFileSync(
    config,
    `version = 3
root = '${root}/root'
state = '${root}/state'

[grpc]
  address = '${address}'

[debug]
  address = '${root}/debug.sock'
  level = 'debug'

[metrics]
  address = '127.0.0.1:0'
`,
  );
}
console.log(`configuration: ${config}
ours:          npm run ctr -- -a ${address} plugins ls
Debian's:      /usr/bin/ctr -a ${address} plugins ls
pending:       curl --unix-socket ${root}/debug.sock http://debug/debug/operations
`);
const daemon = spawn(process.execPath, ['src/main.ts', 'containerd', '-c', config, ...process.argv.slice(2)], {
  cwd: top,
  stdio: 'inherit',
});
// The terminal sends its signals to both; whoever ends us alone must not leave the daemon behind.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => daemon.kill(signal));
daemon.once('exit', (code, signal) => {
  process.exitCode = code ?? (signal === null ? 1 : 128);
});
