import { expect, test } from 'bun:test';
import { runProgramForTest } from '#test/support/run-program';
import { wholeProgram } from '../cli/command.ts';
import { nerdctl } from './program.ts';

// shows: completion
test('scripts for shells are printed', async () => {
  for (const shell of ['bash', 'zsh', 'fish'])
    expect((await runProgramForTest(nerdctl, ['completion', shell])).out).toContain('nerdctl');
  expect((await runProgramForTest(nerdctl, ['completion', 'tcsh'])).code).not.toBe(0);
});

test('a command that cannot be says why', async () => {
  const { code, err } = await runProgramForTest(nerdctl, ['ipfs', 'registry', 'serve']);
  expect({ code, err }).toEqual({ code: 125, err: 'ipfs registry serve: there is no IPFS here\n' });
});

test('the help says once that there are options', async () => {
  const pending = [...(await wholeProgram(nerdctl)).commands];
  for (let one = pending.pop(); one !== undefined; one = pending.pop()) {
    pending.push(...one.commands);
    expect(`${one.name} ${one.args}`).not.toContain('[OPTIONS]');
  }
});
