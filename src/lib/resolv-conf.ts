/** What a resolver is told: `/etc/resolv.conf`. */
export interface ResolvConf {
  readonly servers: readonly string[];
  readonly search: readonly string[];
  readonly options: readonly string[];
}

/** Reads it as resolvers do: what they don't know is passed over, the last `search` or `domain` counts. */
export function parseResolvConf(text: string): ResolvConf {
  const servers: string[] = [];
  let search: readonly string[] = [];
  const options: string[] = [];
  for (const line of text.split('\n')) {
    const [key = '', ...values] = line
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/);
    if (key === 'nameserver' && values[0] !== undefined) servers.push(values[0]);
    else if (key === 'search' || key === 'domain') search = values;
    else if (key === 'options') options.push(...values);
  }
  return { servers, search, options };
}

/** The inverse. */
export function formatResolvConf({ servers, search, options }: ResolvConf): string {
  const lines = [
    ...(search.length === 0 ? [] : [`search ${search.join(' ')}`]),
    ...servers.map((server) => `nameserver ${server}`),
    ...(options.length === 0 ? [] : [`options ${options.join(' ')}`]),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

/** Servers that listen on the machine's own loopback: no use to who has a network of his own. */
export const isLoopback = (server: string): boolean => /^127\.|^::1$|^::ffff:127\./.test(server);

/** For whom no server is left. */
export const publicServers: readonly string[] = ['8.8.8.8', '8.8.4.4'];
