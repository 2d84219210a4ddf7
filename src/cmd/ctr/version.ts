import { berthVersion } from '#base/version';
import { command } from './globals.ts';
import { printLine, printLines } from './output.ts';

export default command({
  name: 'version',
  summary: 'print the client and server versions',
  flags: {},
  run: async ({ client, scope }, { io }) => {
    await printLines(io, [
      'Client:',
      `  Version:  ${berthVersion.version}`,
      `  Revision: ${berthVersion.revision}`,
      `  Runtime version: ${berthVersion.runtime}`,
      '',
    ]);
    const server = await client.version(scope.signal);
    const { uuid } = await client.introspection.server();
    await printLines(io, [
      'Server:',
      `  Version:  ${server.version}`,
      `  Revision: ${server.revision}`,
      `  UUID: ${uuid}`,
    ]);
    if (server.version !== berthVersion.version) await printLine(io, 'WARNING: version mismatch');
    if (server.revision !== berthVersion.revision) await printLine(io, 'WARNING: revision mismatch');
    return 0;
  },
});
