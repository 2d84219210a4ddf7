import { createVolume } from '#ops/volume/create';
import { list, text } from '../../cli/flags.ts';
import { Exit } from '../../cli/io.ts';
import { command } from '../globals.ts';
import { keyValues } from '../network/key-values.ts';

export const create = command({
  name: 'create',
  summary: 'make a volume',
  args: '[VOLUME]',
  arity: [0, 1],
  flags: {
    driver: text('what keeps it', { alias: 'd', default: 'local' }),
    label: list('a label: name=value'),
    name: text('its name', { hidden: true }),
    opt: list('of the driver local: type, o and device of a mount in its place', { alias: 'o' }),
  },
  run: async (engine, { io, args, flags }) => {
    const [name = flags.name] = args;
    if (args.length > 0 && flags.name !== '' && flags.name !== name)
      throw new Exit(1, 'conflicting options: either specify --name or provide positional arg, not both');
    const volume = await createVolume(engine, {
      name,
      driver: flags.driver,
      labels: keyValues('label', flags.label, { bare: true }),
      options: keyValues('opt', flags.opt, { bare: true }),
    });
    await io.stdout.write(`${volume.name}\n`);
    return 0;
  },
});
