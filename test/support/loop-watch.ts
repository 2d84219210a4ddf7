/**
 * Watches how long the event loop is held in one go, in processor time of this thread: other programs on the machine do not count.
 * A collection of JavaScript's own garbage does.
 */
export function watchLoop(): { readonly worstMs: () => number; readonly totalMs: () => number } & Disposable {
  const first = process.threadCpuUsage();
  let last = first;
  let worst = 0;
  const look = () => {
    const now = process.threadCpuUsage();
    worst = Math.max(worst, (now.user - last.user + now.system - last.system) / 1000);
    last = now;
  };
  const timer = setInterval(look, 0);
  return {
    worstMs() {
      look();
      return worst;
    },
    totalMs: () => (last.user - first.user + last.system - first.system) / 1000,
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
