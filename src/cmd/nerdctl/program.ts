import { berthVersion } from '#base/version';
import type { Program } from '../cli/command.ts';
import { completionCommand } from '../cli/completion-command.ts';
import { dockerDialect } from '../cli/docker-dialect.ts';
import { namesCommand } from '../cli/names-command.ts';
import { globals } from './globals.ts';
import { namesOf } from './names.ts';

/** The command tree. Commands of containers and images stand at the top and in their groups, as users know them. */
export const nerdctl: Program = {
  name: 'nerdctl',
  banner: '',
  version: berthVersion.version,
  description: "docker's command line for Berth and its namespaces.",
  globals,
  dialect: dockerDialect,
  commands: [completionCommand('nerdctl', () => nerdctl), namesCommand(() => nerdctl, namesOf)],
};
