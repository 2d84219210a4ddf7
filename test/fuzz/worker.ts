/** A thread that tries one target's inputs in order. The number of the one under way is in shared memory: the other side sees where it hangs. */
import { inputOf, judge, materialOf } from './target.ts';
import { corpusOf, targets } from './targets.ts';

export interface Order {
  readonly target: string;
  readonly seed: number;
  readonly from: number;
  readonly milliseconds: number;
  /** [number of the input under way] */
  readonly progress: SharedArrayBuffer;
}

export type Report =
  | { readonly kind: 'done'; readonly inputs: number; readonly peakMb: number }
  | { readonly kind: 'finding'; readonly n: number; readonly message: string };

/** What a target may grow by; more means that something is kept, or that one input took all that. */
const maxGrowthMb = 768;
const residentMb = () => process.memoryUsage.rss() / 2 ** 20;

declare const self: {
  onmessage: ((event: { readonly data: Order }) => void) | null;
  postMessage(report: Report): void;
};

self.onmessage = ({ data }) => {
  work(data)
    .finally(() => targets.find(({ name }) => name === data.target)?.close?.())
    .then(
      (report) => self.postMessage(report),
      (thrown) => self.postMessage({ kind: 'finding', n: -1, message: String(thrown) }),
    );
};

async function work({ target: name, seed, from, milliseconds, progress }: Order): Promise<Report> {
  const target = targets.find((each) => each.name === name);
  if (target === undefined) throw new Error(`no target ${name}`);
  const material = materialOf(
    target,
    corpusOf(name).map(({ bytes }) => bytes),
  );
  const at = new Int32Array(progress);
  const before = residentMb();
  const end = performance.now() + milliseconds;
  let peakMb = 0;
  let n = from;
  for (; performance.now() < end; n++) {
    Atomics.store(at, 0, n);
    try {
      await judge(target, inputOf(target, material, seed, n));
      if (n % 512 === 0) peakMb = Math.max(peakMb, grown(before));
    } catch (thrown) {
      return {
        kind: 'finding',
        n,
        message: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown),
      };
    }
  }
  return { kind: 'done', inputs: n - from, peakMb: Math.round(Math.max(peakMb, grown(before))) };
}

function grown(before: number): number {
  let growth = residentMb() - before;
  if (growth > maxGrowthMb) {
    Bun.gc(true);
    growth = residentMb() - before;
  }
  if (growth > maxGrowthMb) throw new Error(`memory grew by ${Math.round(growth)} MiB, at most ${maxGrowthMb}`);
  return growth;
}
