import { readFile, writeFile } from 'node:fs/promises';
import { isFault, notFound, wrap } from '#base/errors';
import { defaultApparmor, ensureDefaultApparmor } from '#lib/apparmor';
import { flag, text } from '../../cli/flags.ts';
import { printList } from '../format/list.ts';
import { localCommand } from '../globals.ts';

/** The profile that containers get unless they say otherwise. */
const profile = 'nerdctl-default';
const kernel = '/sys/kernel/security/apparmor';

/** What the kernel has loaded, with the mode of each. @throws not_found without AppArmor */
async function loaded(): Promise<readonly { readonly name: string; readonly mode: string }[]> {
  const lines = await readFile(`${kernel}/profiles`, 'utf8').catch((thrown: unknown) => {
    throw isFault(thrown, 'not_found') ? notFound('AppArmor: the kernel has none', thrown) : wrap(thrown, 'AppArmor');
  });
  return lines.split('\n').flatMap((line) => {
    const [, name, mode] = /^(.*) \(([a-z]+)\)$/.exec(line) ?? [];
    return name === undefined || mode === undefined ? [] : [{ name, mode }];
  });
}

const inspect = localCommand({
  name: 'inspect',
  summary: `show the profile ${profile}`,
  arity: [0, 0],
  args: '',
  flags: {},
  run: async (_, { io }) => {
    await io.stdout.write(defaultApparmor(profile, { hasTunables: true, hasAbstractions: true }));
    return 0;
  },
});

const load = localCommand({
  name: 'load',
  summary: `load the profile ${profile}`,
  arity: [0, 0],
  args: '',
  flags: {},
  run: async () => {
    await loaded();
    await ensureDefaultApparmor(profile);
    return 0;
  },
});

const list = localCommand({
  name: 'ls',
  aliases: ['list'],
  summary: 'list the profiles that the kernel has loaded',
  arity: [0, 0],
  args: '',
  flags: { format: text('table, json, or a Go template'), quiet: flag('names only', { alias: 'q' }) },
  run: async (_, { io, flags }) => {
    const rows = await loaded();
    const columns = {
      Name: { heading: 'NAME', value: ({ name }: (typeof rows)[number]) => name },
      Mode: { heading: 'MODE', value: ({ mode }: (typeof rows)[number]) => mode },
    };
    const spec = { type: '*apparmor.Profile', table: 'table {{.Name}}\t{{.Mode}}', quiet: '{{.Name}}', columns };
    await printList(io, spec, rows, flags);
    return 0;
  },
});

const unload = localCommand({
  name: 'unload',
  summary: 'take a profile out of the kernel',
  arity: [0, 1],
  args: '[PROFILE]',
  flags: {},
  run: async (_, { args: [name = profile] }) => {
    if (!(await loaded()).some((one) => one.name === name)) throw notFound(`profile ${JSON.stringify(name)}`);
    await writeFile(`${kernel}/.remove`, name);
    return 0;
  },
});

export default [inspect, load, list, unload];
