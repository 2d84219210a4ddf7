import { messageOf } from '#base/errors';
import type { Log } from '#base/log';
import { type DaemonOptions, startDaemon } from './daemon.ts';
import { ServiceManager } from './service-manager.ts';

export interface RunOptions extends DaemonOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Runs a daemon in this process until the signal fires, then stops it. Containers go on.
 *
 * @throws what kept it from starting
 */
export async function runDaemon(options: RunOptions): Promise<void> {
  const { config, log, version, revision, env, signal } = options;
  const beganMs = performance.now();
  // What containers' shims and stored files get must not depend on who started us.
  process.umask(0o022);
  using _ = logUncaught(log);
  log.info('starting containerd', { version, revision });
  for (const { message, ...fields } of config.warnings) log.warn(message, fields);
  const manager = new ServiceManager(env, log);
  // runc would take it for its own, and make every container's start wait for a notification.
  delete process.env.NOTIFY_SOCKET;
  await using daemon = await startDaemon(options);
  using __ = onSignal('SIGUSR1', () => daemon.logState());
  // The reader of our log may go away; that is no reason to die.
  using ___ = onSignal('SIGPIPE', () => {});
  log.info(`containerd successfully booted in ${((performance.now() - beganMs) / 1000).toFixed(6)}s`);
  if (!signal.aborted) {
    manager.ready();
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  }
  log.info('stopping containerd', { reason: messageOf(signal.reason) });
  manager.stopping();
}

/** Faults that nobody caught are logged; a daemon does not die of them, since others' containers depend on it. */
function logUncaught(log: Log): Disposable {
  const uncaught = (thrown: unknown) =>
    log.error('uncaught error', { error: messageOf(thrown), ...(thrown instanceof Error && { stack: thrown.stack }) });
  process.on('uncaughtException', uncaught);
  process.on('unhandledRejection', uncaught);
  return {
    [Symbol.dispose]() {
      process.off('uncaughtException', uncaught);
      process.off('unhandledRejection', uncaught);
    },
  };
}

function onSignal(name: NodeJS.Signals, listener: () => void): Disposable {
  process.on(name, listener);
  return { [Symbol.dispose]: () => void process.off(name, listener) };
}
