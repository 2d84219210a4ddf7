import { ctrJson } from '#lib/go-json';
import { command } from './globals.ts';

export default command({
  name: 'info',
  summary: 'print the server info',
  flags: {},
  run: async ({ client }, { io }) => {
    const { uuid, pid, pidNamespace, deprecations } = await client.introspection.server();
    const server = {
      uuid,
      ...(pid === 0 ? {} : { pid }),
      ...(pidNamespace === 0 ? {} : { pidns: pidNamespace }),
      ...(deprecations.length === 0
        ? {}
        : {
            deprecations: deprecations.map(({ id, message, lastSeen }) => ({
              id,
              message,
              ...(lastSeen === undefined ? {} : { last_occurrence: lastSeen }),
            })),
          }),
    };
    await io.stdout.write(`${ctrJson({ server })}\n`);
    return 0;
  },
});
