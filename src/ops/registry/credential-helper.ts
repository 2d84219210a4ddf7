import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { failedPrecondition, isFault } from '#base/errors';

/** What a helper knows of a server. */
export interface HelperCredentials {
  readonly user: string;
  readonly secret: string;
}

/** What helpers answer, with a code that is not 0, for servers that they do not know. */
const unknownServer = 'credentials not found in native keychain';

/** Asks `docker-credential-NAME`, which keeps passwords outside of files. Undefined for a server that it does not know. @throws failed_precondition */
export async function helperGet(helper: string, server: string): Promise<HelperCredentials | undefined> {
  const { code, out, err } = await run(helper, 'get', server);
  if (code !== 0) {
    if (out.includes(unknownServer)) return undefined;
    throw failed(helper, out || err);
  }
  try {
    const { Username: user, Secret: secret } = JSON.parse(out) as Readonly<Record<string, unknown>>;
    if (typeof user === 'string' && typeof secret === 'string') return { user, secret };
  } catch {} // told of below
  throw failed(helper, 'its answer is no JSON of credentials');
}

/** @throws failed_precondition */
export async function helperStore(helper: string, server: string, { user, secret }: HelperCredentials): Promise<void> {
  const { code, out, err } = await run(
    helper,
    'store',
    JSON.stringify({ ServerURL: server, Username: user, Secret: secret }),
  );
  if (code !== 0) throw failed(helper, out || err);
}

/** What it does not know is gone already. @throws failed_precondition */
export async function helperErase(helper: string, server: string): Promise<void> {
  const { code, out, err } = await run(helper, 'erase', server);
  if (code !== 0 && !out.includes(unknownServer)) throw failed(helper, out || err);
}

const failed = (helper: string, said: string) =>
  failedPrecondition(`error getting credentials: docker-credential-${helper}: ${said.trim()}`);

async function run(helper: string, action: string, input: string) {
  // It becomes part of a program's name.
  if (!/^[A-Za-z0-9_.-]+$/.test(helper)) throw failed(helper, 'this is no name of a helper');
  const program = `docker-credential-${helper}`;
  const child = spawn(program, [action], { stdio: 'pipe' });
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (bytes: Buffer) => out.push(bytes));
  child.stderr.on('data', (bytes: Buffer) => err.push(bytes));
  // A helper that does not read its input has ended, and says why.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    return { code: code ?? -1, out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString() };
  } catch (thrown) {
    if (isFault(thrown, 'not_found')) throw failed(helper, `exec: "${program}": executable file not found in $PATH`);
    throw thrown;
  }
}
