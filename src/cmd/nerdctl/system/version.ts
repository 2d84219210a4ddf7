import { arch } from 'node:os';
import { berthVersion } from '#base/version';
import { jsonOf } from '#lib/go-template/json';
import { text } from '../../cli/flags.ts';
import { printInspect } from '../format/inspect.ts';
import { command } from '../globals.ts';
import { said } from '../words.ts';

const machine = arch() === 'x64' ? 'amd64' : arch();

export default (name: string, summary: string) =>
  command({
    name,
    summary,
    args: '',
    arity: [0, 0],
    flags: { format: text('json, or a Go template', { alias: 'f' }) },
    run: async ({ client, scope }, { io, flags, globals }) => {
      const Client = { Version: berthVersion.version, GitCommit: berthVersion.revision, Os: 'linux', Arch: machine };
      let failure = '';
      const server = await client.version(scope.signal).catch((thrown: unknown) => {
        failure = said(thrown, globals);
        return undefined;
      });
      const Server = server && {
        Version: server.version,
        GitCommit: server.revision,
        Os: 'linux',
        Arch: machine,
        Components: [{ Name: 'containerd', Version: server.version, Details: { GitCommit: server.revision } }],
      };
      const all = { Client, Server };
      if (flags.format === 'json') await io.stdout.write(`${jsonOf(all)}\n`);
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
