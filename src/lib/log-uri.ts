import { invalidArgument } from '#base/errors';

/**
 * Where Berth's own shim sends a process's output: `log://<driver>?<option>=<value>&…`, given as a task's stdout and stderr, which are told
 * apart in the log. Drivers: `json-file`, `journald`, `syslog`, `fluentd`, `none`. Options are percent-encoded; those of a driver have
 * docker's names, with sizes in bytes. `path` is json-file's file. `attach` is the path of a socket at which the shim lets clients follow
 * the output live, and, when stdin is `attach://<the same path>`, feed the input (see `#lib/attach-frames`).
 * `stdin-once=true` ends that input with the first client that ends its own or goes away. `container-name`, `image-name`, `tag` and `attrs`
 * (a JSON object of strings) are what drivers show of a container; addresses are numbers, for the shim resolves no names.
 * No other shim knows the scheme: they refuse it.
 */
export interface LogUri {
  readonly driver: string;
  readonly attach: string;
  readonly options: Readonly<Record<string, string>>;
}

export function formatLogUri({ driver, attach, options }: LogUri): string {
  const all = { ...options, ...(attach !== '' && { attach }) };
  const query = Object.entries(all).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return `log://${driver}${query.length === 0 ? '' : `?${query.join('&')}`}`;
}

/** @throws invalid_argument for what is none */
export function parseLogUri(uri: string): LogUri {
  const [, driver, query = ''] = /^log:\/\/([a-z0-9-]+)(?:\?(.*))?$/s.exec(uri) ?? [];
  if (driver === undefined) throw invalidArgument(`${JSON.stringify(uri)} is no log URI`);
  const { attach = '', ...options } = Object.fromEntries(
    query
      .split('&')
      .filter((pair) => pair !== '')
      .map((pair): [string, string] => {
        const at = pair.indexOf('=');
        return at < 0 ? [pair, ''] : [pair.slice(0, at), decodeURIComponent(pair.slice(at + 1))];
      }),
  );
  return { driver, attach, options };
}

/** What to give as stdin for input by way of the attach socket. */
export const attachStdin = (socketPath: string): string => `attach://${socketPath}`;
