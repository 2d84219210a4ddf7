import { invalidArgument } from '#base/errors';

export interface RestartPolicy {
  readonly name: 'no' | 'always' | 'unless-stopped' | 'on-failure';
  /** Of `on-failure`; 0: without end. */
  readonly retries: number;
}

/** Reads `no`, `always`, `unless-stopped`, `on-failure`, `on-failure:5`. @throws invalid_argument in docker's words */
export function parseRestart(text: string): RestartPolicy {
  const colon = text.indexOf(':');
  const name = colon < 0 ? text : text.slice(0, colon);
  const count = colon < 0 ? '0' : text.slice(colon + 1);
  if (!/^-?\d+$/.test(count))
    throw invalidArgument('invalid restart policy format: maximum retry count must be an integer');
  const retries = Number(count);
  if (name === '' && colon < 0) return { name: 'no', retries: 0 };
  if (!isPolicy(name))
    throw invalidArgument(
      `invalid restart policy: unknown policy '${name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`,
    );
  if (retries < 0) throw invalidArgument('invalid restart policy: maximum retry count cannot be negative');
  if (retries > 0 && name !== 'on-failure')
    throw invalidArgument("invalid restart policy: maximum retry count can only be used with 'on-failure'");
  return { name, retries };
}

const isPolicy = (name: string): name is RestartPolicy['name'] =>
  ['no', 'always', 'unless-stopped', 'on-failure'].includes(name);
