import { randomUUID } from 'node:crypto';
import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Any } from '#base/any';
import { failedPrecondition, isFault, notFound, notImplemented } from '#base/errors';
import type { Introspection, PluginAnswer } from '#core/introspection/introspection';
import type { DaemonInfo, PluginReport } from '#core/plugin/daemon-info';
import { definePlugin } from '#core/plugin/plugin';
import { absent, field, parseFilters } from '#lib/filters/filter';
import { GrpcService } from '#rpc/grpc-services';
import { serveIntrospection } from '#rpc/introspection/server';

/** What the daemon says of itself: its plugins and who it is. */
export default definePlugin({
  slot: GrpcService,
  id: 'introspection',
  start: async ({ rootDir, daemon }) => serveIntrospection(introspectionOf(daemon, await installationId(rootDir))),
});

/** @internal for tests */
export function introspectionOf(daemon: Pick<DaemonInfo, 'plugins' | 'deprecations'>, uuid: string): Introspection {
  return {
    async plugins(filters = []) {
      const filter = parseFilters(filters);
      return daemon.plugins().filter(({ type, id, capabilities }) =>
        filter.match(([name, ...rest]) => {
          if (name === 'type') return field(type);
          if (name === 'id') return field(id);
          if (name !== 'capabilities') return absent;
          const capability = rest.join('.');
          return capabilities.includes(capability) ? field(capability) : absent;
        }),
      );
    },
    async server() {
      const { ino } = await stat('/proc/self/ns/pid');
      return { uuid, pid: process.pid, pidNamespace: ino, deprecations: daemon.deprecations.list() };
    },
    async plugin(type, id, question, signal = new AbortController().signal) {
      const plugin = daemon.plugins().find((each) => each.type === type && each.id === id);
      if (plugin === undefined) throw notFound(`plugin ${type}.${id}`);
      return question === undefined ? { plugin } : ask(plugin, question, signal);
    },
  };
}

async function ask(plugin: PluginReport, question: Any, signal: AbortSignal): Promise<PluginAnswer> {
  const name = `plugin ${plugin.type}.${plugin.id}`;
  if (plugin.status !== 'ok') throw failedPrecondition(`${name} cannot be asked: it is not running`);
  if (plugin.answer === undefined) throw notImplemented(`${name} does not support extra information`);
  return { plugin, extra: await plugin.answer(question, signal) };
}

/** The same for as long as the root directory lives; made at the first start. */
async function installationId(directory: string): Promise<string> {
  const path = join(directory, 'uuid');
  const kept = await readFile(path, 'utf8').catch((thrown: unknown) => {
    if (isFault(thrown, 'not_found')) return '';
    throw thrown;
  });
  if (/^[0-9a-f-]{36}$/.test(kept)) return kept;
  const made = randomUUID();
  await writeFile(`${path}.new`, made);
  await rename(`${path}.new`, path);
  return made;
}
