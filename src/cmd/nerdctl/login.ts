import { invalidArgument, isFault } from '#base/errors';
import { scopeOf } from '#core/scope';
import { DockerConfig, dockerConfigDirectory } from '#ops/registry/docker-config';
import { login, registryHost } from '#ops/registry/login';
import { flag, text } from '../cli/flags.ts';
import { Exit, type Io } from '../cli/io.ts';
import { readPassword } from '../ctr/images/password.ts';
import { localCommand } from './globals.ts';
import { registryOptions } from './registry.ts';

export default (name: string, summary: string) =>
  localCommand({
    name,
    summary,
    args: '[SERVER]',
    arity: [0, 1],
    flags: {
      password: text('Password', { alias: 'p' }),
      'password-stdin': flag('Take the password from stdin'),
      username: text('Username', { alias: 'u' }),
    },
    run: async (settings, { io, flags, args: [server = ''] }) => {
      const config = await DockerConfig.open(dockerConfigDirectory(io.env));
      const { user, password } = await whoIsIt(io, flags);
      const { credentials: _, ...registry } = await registryOptions(io, settings, registryHost(server));
      try {
        const scope = scopeOf(settings.namespace, { signal: io.signal });
        await login(scope, config, { server, user, password, registry, environment: io.env });
      } catch (thrown) {
        if (!isFault(thrown, 'unauthenticated')) throw thrown;
        throw new Exit(1, `Error response from daemon: ${(thrown as Error).message}`);
      }
      if (config.helper(registryHost(server)) === undefined)
        await io.stderr.write(`WARNING! Your password will be stored unencrypted in ${config.path}.\n`);
      await io.stdout.write('Login Succeeded\n');
      return 0;
    },
  });

interface Given {
  readonly username: string;
  readonly password: string;
  readonly 'password-stdin': boolean;
}

/** From the flags, and from the terminal what they leave open. @throws invalid_argument */
async function whoIsIt(io: Io, flags: Given): Promise<{ readonly user: string; readonly password: string }> {
  if (flags.password !== '') {
    if (flags['password-stdin']) throw invalidArgument('--password and --password-stdin are mutually exclusive');
    await io.stderr.write('WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n');
  }
  if (flags['password-stdin'] && flags.username === '')
    throw invalidArgument('Must provide --username with --password-stdin');
  if (!flags['password-stdin'] && !io.stdin.isTTY && (flags.username === '' || flags.password === ''))
    throw new Exit(1, 'Error: Cannot perform an interactive login from a non TTY device');
  const user = flags.username === '' ? await askForName(io) : flags.username;
  const password = flags.password === '' ? await passwordFrom(io, flags) : flags.password;
  if (password === '') throw new Exit(1, 'password is empty');
  return { user, password };
}

async function passwordFrom(io: Io, flags: Given): Promise<string> {
  if (!flags['password-stdin']) return readPassword(io);
  const parts: Uint8Array[] = [];
  for await (const part of io.stdin) parts.push(Buffer.from(part as Uint8Array));
  return Buffer.concat(parts)
    .toString()
    .replace(/\r?\n$/, '');
}

async function askForName(io: Io): Promise<string> {
  await io.stdout.write('Username: ');
  let typed = '';
  for await (const part of io.stdin.iterator({ destroyOnReturn: false })) {
    typed += Buffer.from(part as Uint8Array).toString();
    if (typed.includes('\n')) break;
  }
  const user = typed.trim();
  if (user === '') throw new Exit(1, 'Error: Non-null Username Required');
  return user;
}
