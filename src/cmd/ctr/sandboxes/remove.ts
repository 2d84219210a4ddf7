import { messageOf } from '#base/errors';
import { createLog, type Log } from '#base/log';
import { deleteSandbox } from '#client/sandbox';
import type { Sandbox } from '#core/sandboxes/sandboxes';
import { flag } from '../../cli/flags.ts';
import { command, type Session } from '../globals.ts';

export default command({
  name: 'remove',
  aliases: ['rm'],
  summary: 'remove sandboxes',
  args: '<id> [<id>, ...]',
  completes: ['sandboxes...'],
  flags: { force: flag('ignore shutdown errors when removing sandbox', { alias: 'f' }) },
  run: async (session, { io, args, flags }) => {
    for (const id of args) {
      const lines: string[] = [];
      const log = createLog({ level: 'info', format: 'text', write: (line) => lines.push(line) });
      await remove(session, id, { force: flags.force, log });
      await io.stderr.write(lines.map((line) => (line.endsWith('\n') ? line : `${line}\n`)).join(''));
    }
    return 0; // as in containerd's ctr: what failed is in the log
  },
});

interface Removal {
  readonly force: boolean;
  readonly log: Log;
}

async function remove({ client, scope }: Session, id: string, { force, log }: Removal): Promise<void> {
  const succeeds = async (what: string, work: () => Promise<unknown>): Promise<boolean> => {
    try {
      await work();
      return true;
    } catch (thrown) {
      log.error(`failed to ${what} sandbox ${id}`, { error: messageOf(thrown) });
      return false;
    }
  };
  let sandbox: Sandbox | undefined;
  const loaded = await succeeds('load', async () => {
    sandbox = await client.sandboxes.get(scope, id);
  });
  if (!loaded || sandbox === undefined) return;
  const record = sandbox;
  const controller = client.sandboxController(await client.sandboxerName(scope, record.sandboxer));
  const stopped = await succeeds('stop', () => controller.stop(scope, id));
  if (!stopped && !force) return;
  if (await succeeds('shutdown', () => deleteSandbox(client, scope, record))) log.info(`deleted: ${id}`);
}
