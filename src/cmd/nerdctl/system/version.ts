import { arch, release } from 'node:os';
import { berthVersion } from '#base/version';
import { jsonOf } from '#lib/go-template/json';
import { text } from '../../cli/flags.ts';
import { printInspect } from '../format/inspect.ts';
import { command } from '../globals.ts';
import { said } from '../words.ts';

/** Of docker's API, the version of which this command line is: 28.5's. Scripts ask for it to know what they may use. */
const api = '1.51';
const machine = arch() === 'x64' ? 'amd64' : arch();

export default (name: string, summary: string) =>
  command({
    name,
    summary,
    args: '',
    arity: [0, 0],
    flags: { format: text('json, or a Go template', { alias: 'f' }) },
    run: async ({ client, scope }, { io, flags, globals }) => {
      const same = { Os: 'linux', Arch: machine, APIVersion: api };
      const Client = {
        Version: berthVersion.version,
        GitCommit: berthVersion.revision,
        ...same,
        DefaultAPIVersion: api,
      };
      let failure = '';
      const server = await client.version(scope.signal).catch((thrown: unknown) => {
        failure = said(thrown, globals);
        return undefined;
      });
      const Server = server && {
        Version: server.version,
        GitCommit: server.revision,
        ...{ ...same, MinAPIVersion: api, KernelVersion: release() },
        Platform: { Name: 'Berth' },
        Components: [{ Name: 'containerd', Version: server.version, Details: { GitCommit: server.revision } }],
      };
      const all = { Client, Server };
      if (flags.format === 'json') await io.stdout.write(`${jsonOf(inJson(all))}\n`);
      else if (flags.format !== '') await printInspect(io, flags.format, [all]);
      else {
        const side = (
          title: string,
          of: { readonly Version: string; readonly GitCommit: string; readonly Os: string; readonly Arch: string },
        ) => `${title}:\n Version:\t${of.Version}\n OS/Arch:\t${of.Os}/${of.Arch}\n Git commit:\t${of.GitCommit}\n`;
        await io.stdout.write(side('Client', Client) + (Server === undefined ? '' : `\n${side('Server', Server)}`));
      }
      if (failure === '') return 0;
      await io.stderr.write(`${failure}\n`);
      return 1;
    },
  });

/** Templates have Go's names, JSON has docker's. */
function inJson(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inJson);
  if (typeof value !== 'object' || value === null) return value;
  const named = (key: string) =>
    key.replace('APIVersion', 'ApiVersion').replace('MinApi', 'MinAPI').replace('DefaultApi', 'DefaultAPI');
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [named(key), inJson(member)]));
}
