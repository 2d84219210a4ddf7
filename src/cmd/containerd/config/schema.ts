import { defineCommand } from '#cmd/containerd/globals';
import { builtins } from '#daemon/builtins';
import { defaultConfig } from '#daemon/config/load';
import { configSchema } from '#daemon/config/print';

export default defineCommand({
  name: 'schema',
  summary: 'print a JSON Schema of the config, for editors',
  flags: {},
  async run({ io }) {
    await io.stdout.write(`${JSON.stringify(configSchema(defaultConfig(builtins)), null, 2)}\n`);
    return 0;
  },
});
