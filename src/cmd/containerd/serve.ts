import { createLog, parseLevel } from '#base/log';
import { berthVersion } from '#base/version';
import type { Io } from '#cmd/cli/io';
import { runDaemon } from '#daemon/run';
import { readConfiguration } from './configuration.ts';
import type { Globals } from './globals.ts';

/** Runs the daemon in the foreground until it is told to stop; `executable` is what starts this program again. */
export async function serve(io: Io, flags: Globals, executable: string): Promise<number> {
  const config = await readConfiguration(io, flags);
  const { level, format } = config.top.debug;
  const log = createLog({
    level: parseLevel(level) ?? 'info',
    format: format === 'json' ? 'json' : 'text',
    // Nowhere is left to say that the log's reader has gone.
    write: (line) => void io.stderr.write(line).catch(() => {}),
  });
  const { version, revision } = berthVersion;
  await runDaemon({ config, log, version, revision, executable, env: io.env, signal: io.signal });
  return 0;
}
