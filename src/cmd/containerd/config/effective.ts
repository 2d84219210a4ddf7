import type { Command } from '#cmd/cli/command';
import { readConfiguration } from '#cmd/containerd/configuration';
import { defineCommand } from '#cmd/containerd/globals';
import { formatEffectiveConfig } from '#daemon/config/print';

/** A command that prints what the files and the command line come to, in the present version's form; warnings go to stderr. */
export function configCommand(name: string, summary: string): Command {
  return defineCommand({
    name,
    summary,
    flags: {},
    async run({ io, globals }) {
      const config = await readConfiguration(io, globals);
      for (const { message, file, key, suggestion } of config.warnings) {
        const hint = suggestion === undefined ? '' : ` (did you mean ${suggestion}?)`;
        await io.stderr.write(`containerd: ${file}: ${key}: ${message}${hint}\n`);
      }
      await io.stdout.write(formatEffectiveConfig(config));
      return 0;
    },
  });
}
