/** `npm run check`: everything that can be said of the tree without running it. `-- --fix` mends format and lint. */
import { spawnSync } from 'node:child_process';

const fix = process.argv.includes('--fix');
const steps: readonly (readonly [name: string, ...command: readonly string[]])[] = [
  ['format and lint', 'npx', 'biome', 'check', '--error-on-warnings', ...(fix ? ['--write'] : [])],
  ['types', 'npx', 'tsc', '--noEmit'],
  ['layers', 'bun', 'scripts/layers.ts'],
  ['lock file', 'npm', 'ci', '--dry-run', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'],
  ['addon', 'make', '--silent', '-C', 'native/addon'],
  ['generated files', 'bun', 'scripts/api.ts', '--check'],
  ['reference', 'bun', 'scripts/docs.ts', '--check'],
];

let failed = 0;
for (const [name, command = '', ...args] of steps) {
  const { status } = spawnSync(command, args, { stdio: 'inherit', cwd: new URL('..', import.meta.url).pathname });
  if (status !== 0) {
    failed++;
    console.error(`check: ${name}: failed`);
  }
}
console.log(failed === 0 ? 'check: ok' : `check: ${failed} of ${steps.length} steps failed`);
process.exitCode = failed === 0 ? 0 : 1;
