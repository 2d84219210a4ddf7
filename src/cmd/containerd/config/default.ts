import { defineCommand } from '#cmd/containerd/globals';
import { builtins } from '#daemon/builtins';
import { defaultConfig } from '#daemon/config/load';
import { formatDefaultConfig } from '#daemon/config/print';

export default defineCommand({
  name: 'default',
  summary: 'see the output of the default config',
  flags: {},
  async run({ io }) {
    await io.stdout.write(formatDefaultConfig(defaultConfig(builtins)));
    return 0;
  },
});
