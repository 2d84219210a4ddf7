/**
 * Watches how long the event loop is held in one go, in processor time of this thread: other programs on the machine do not count.
 * A collection of JavaScript's own garbage does.
 */
export function watchLoop(): { readonly worstMs: () => number } & Disposable {
  let last = process.threadCpuUsage();
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
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
