import { berthVersion } from '#base/version';
import { group, type Program } from '#cmd/cli/command';
import { completionCommand } from '#cmd/cli/completion-command';
import { Exit } from '#cmd/cli/io';
import { namesCommand } from '#cmd/cli/names-command';
import checkRoot from './check.ts';
import check from './config/check.ts';
import configDefault from './config/default.ts';
import dump from './config/dump.ts';
import migrate from './config/migrate.ts';
import schema from './config/schema.ts';
import { type Globals, globals } from './globals.ts';
import ociHook from './oci-hook.ts';
import publish from './publish.ts';
import { serve } from './serve.ts';

/** The daemon's command line. Without a command it is the daemon; `executable` is what starts this program again. */
export function containerd(executable: string): Program {
  const program: Program = {
    name: 'containerd',
    banner: '',
    // Scripts cut the third word out of the printed line.
    version: `berth ${berthVersion.version} ${berthVersion.revision}`,
    description:
      "Runs the Berth container daemon in the foreground, with containerd's API, configuration and directories.\n" +
      '   Without a configuration file at the default place the built-in defaults hold; `containerd config default` prints them.',
    globals,
    commands: [
      group('config', 'information on the containerd config', [configDefault, dump, migrate, check, schema]),
      checkRoot,
      publish,
      ociHook,
      completionCommand('containerd', () => program),
      namesCommand(
        () => program,
        async () => [],
      ),
    ],
    run: ({ io, flags, args }) => {
      if (args.length > 0) throw new Exit(1, `containerd: unexpected argument ${JSON.stringify(args[0])}`);
      return serve(io, flags as unknown as Globals, executable);
    },
  };
  return program;
}
