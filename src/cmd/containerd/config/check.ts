import { Exit } from '#cmd/cli/io';
import { readConfiguration } from '#cmd/containerd/configuration';
import { defineCommand } from '#cmd/containerd/globals';

export default defineCommand({
  name: 'check',
  summary: 'read the config and fail where it has errors or keys that mean nothing',
  flags: {},
  async run({ io, globals }) {
    const { warnings } = await readConfiguration(io, globals);
    for (const { message, file, key } of warnings) await io.stderr.write(`${file}: ${key}: ${message}\n`);
    if (warnings.length > 0) throw new Exit(1);
    return 0;
  },
});
