/** A size in powers of 1000 with so many digits, as docker prints images: `4.26MB`. */
export const humanSize = (bytes: number, digits = 3): string =>
  scaled(bytes, 1000, ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB', 'ZB', 'YB'], digits);

/** One in powers of 1024 with four digits, as docker prints memory: `15.55GiB`. */
export const bytesSize = (bytes: number): string =>
  scaled(bytes, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB', 'ZiB', 'YiB'], 4);

function scaled(bytes: number, step: number, units: readonly string[], digits: number): string {
  let value = bytes;
  let unit = 0;
  for (; value >= step && unit < units.length - 1; unit++) value /= step;
  return `${Number(value.toPrecision(digits))}${units[unit]}`;
}

/** How long something took or lasts, roughly, in docker's words: `About a minute`, `3 hours`, `Less than a second`. */
export function humanDuration(ms: number): string {
  const seconds = Math.trunc(ms / 1000);
  const minutes = Math.trunc(ms / 60_000);
  const hours = Math.trunc(ms / 3_600_000 + 0.5);
  if (seconds < 1) return 'Less than a second';
  if (seconds === 1) return '1 second';
  if (seconds < 60) return `${seconds} seconds`;
  if (minutes === 1) return 'About a minute';
  if (minutes < 60) return `${minutes} minutes`;
  if (hours === 1) return 'About an hour';
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 7 * 2) return `${Math.trunc(hours / 24)} days`;
  if (hours < 24 * 30 * 2) return `${Math.trunc(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.trunc(hours / 24 / 30)} months`;
  return `${Math.trunc(ms / 3_600_000 / 24 / 365)} years`;
}

/** The same of a moment that has passed: `3 hours ago`. */
export const humanAgo = (thenMs: number, nowMs = Date.now()): string => `${humanDuration(nowMs - thenMs)} ago`;

/** A digest or an id as tables show it: twelve digits, without the algorithm. */
export const shortId = (id: string): string => id.slice(id.indexOf(':') + 1).slice(0, 12);
