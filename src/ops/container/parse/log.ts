import { invalidArgument, notImplemented } from '#base/errors';
import { parseSize } from './size.ts';

/** Where output goes besides whoever is attached; absent: `json-file`. */
export interface LogConfig {
  readonly driver: string;
  readonly options: Readonly<Record<string, string>>;
}

const described = ['labels', 'labels-regex', 'env', 'env-regex', 'tag'];
const every = ['mode', 'max-buffer-size'];
const driverOptions: Readonly<Record<string, readonly string[]>> = {
  none: [],
  'json-file': ['max-size', 'max-file', 'compress', 'log-path', ...described, ...every],
  journald: [...described, ...every],
  syslog: [
    'syslog-address',
    'syslog-facility',
    'syslog-format',
    'syslog-tls-ca-cert',
    'syslog-tls-cert',
    'syslog-tls-key',
    'syslog-tls-skip-verify',
    ...described,
    ...every,
  ],
  fluentd: [
    'fluentd-address',
    'fluentd-async',
    'fluentd-async-connect',
    'fluentd-async-reconnect-interval',
    'fluentd-buffer-limit',
    'fluentd-max-retries',
    'fluentd-read-timeout',
    'fluentd-request-ack',
    'fluentd-retry-wait',
    'fluentd-sub-second-precision',
    'fluentd-write-timeout',
    ...described,
    ...every,
  ],
};

/** Reads the values of `--log-driver` and `--log-opt`. @throws invalid_argument in docker's words; not_implemented for what docker could do */
export function parseLog(driver: string, texts: readonly string[]): LogConfig {
  const name = driver === '' ? 'json-file' : driver;
  const options = Object.fromEntries(
    texts.map((text) => {
      const equals = text.indexOf('=');
      return equals < 0 ? [text, ''] : [text.slice(0, equals), text.slice(equals + 1)];
    }),
  ) as Record<string, string>;
  checkLog({ driver: name, options });
  return { driver: name, options };
}

/** @throws as `parseLog` */
export function checkLog({ driver, options }: LogConfig): void {
  const known = driverOptions[driver];
  if (known === undefined)
    throw invalidArgument(`error looking up logging plugin ${driver}: plugin ${JSON.stringify(driver)} not found`);
  for (const [key, value] of Object.entries(options)) {
    if (driver === 'none') throw invalidArgument('invalid logging opts for driver none');
    if (!known.includes(key)) throw invalidArgument(`unknown log opt '${key}' for ${driver} log driver`);
    checkValue(driver, key, value);
  }
  if (options['max-buffer-size'] !== undefined && options.mode !== 'non-blocking')
    throw invalidArgument("logger: max-buffer-size option is only supported with 'mode=non-blocking'");
}

const notDone = new Set([
  'syslog-tls-ca-cert',
  'syslog-tls-cert',
  'syslog-tls-key',
  'syslog-tls-skip-verify',
  'fluentd-async-connect',
  'fluentd-async-reconnect-interval',
  'fluentd-max-retries',
  'fluentd-read-timeout',
  'fluentd-request-ack',
  'fluentd-retry-wait',
  'fluentd-write-timeout',
]);

function checkValue(driver: string, key: string, value: string): void {
  if (notDone.has(key))
    throw notImplemented(`log opt ${key}: how often and how long is tried is fixed, and TLS is not spoken`);
  if (key === 'max-size' && value !== '-1') parseSize(value);
  if (key === 'max-buffer-size' || key === 'fluentd-buffer-limit') parseSize(value);
  if (key === 'max-file' && !(/^\d{1,6}$/.test(value) && Number(value) > 0))
    throw invalidArgument('max-file cannot be less than 1');
  if (key === 'compress' && isTrue(value))
    throw notImplemented('log opt compress: older files of a log are kept as they are');
  if (key === 'mode' && value !== 'blocking' && value !== 'non-blocking')
    throw invalidArgument(`logger: logging mode not supported: ${value}`);
  if (key === 'mode' && value === 'non-blocking' && driver === 'json-file')
    throw notImplemented('log opt mode=non-blocking: a file holds nobody up');
  if (key === 'log-path' && !value.startsWith('/'))
    throw invalidArgument(`log opt log-path: ${value} is not an absolute path`);
}

export const isTrue = (text: string): boolean => /^(1|t|true)$/i.test(text);
