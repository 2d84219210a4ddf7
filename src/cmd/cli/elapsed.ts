/** A duration as Go prints it: `1.234567891s`, `12.5ms`, `1m2.5s`. */
export function formatElapsed(ms: number): string {
  if (ms === 0) return '0s';
  if (ms < 1) return `${trim((ms * 1000).toFixed(3))}µs`;
  if (ms < 1000) return `${trim(ms.toFixed(6))}ms`;
  const minutes = Math.floor(ms / 60_000);
  const seconds = `${trim(((ms % 60_000) / 1000).toFixed(9))}s`;
  if (minutes === 0) return seconds;
  return minutes < 60 ? `${minutes}m${seconds}` : `${Math.floor(minutes / 60)}h${minutes % 60}m${seconds}`;
}

const trim = (digits: string): string => digits.replace(/\.?0+$/, '');
