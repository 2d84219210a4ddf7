/** Figures that plugins keep and a monitoring system reads, in Prometheus's text form. */
export type MetricKind = 'counter' | 'gauge';

export interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

/** One metric as a collector reads it. */
export interface MetricFamily {
  readonly name: string;
  readonly kind: MetricKind;
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** A figure per combination of label values. */
export interface Metric {
  /** Adds to the figure for these label values, given in the order in which the labels were declared. */
  add(amount: number, ...labels: readonly string[]): void;
  set(value: number, ...labels: readonly string[]): void;
}

export interface Histogram {
  observe(value: number, ...labels: readonly string[]): void;
}

/** Prometheus's own choice, in seconds. */
const defaultBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

/** All metrics of one daemon. A name is declared once; declaring it again gives the same metric. */
export class Metrics {
  readonly #families = new Map<string, Family>();
  readonly #collectors = new Set<() => Promise<readonly MetricFamily[]>>();

  counter(name: string, help: string, labels: readonly string[] = []): Metric {
    return this.#family(name, () => new Figures('counter', help, labels)) as Figures;
  }

  gauge(name: string, help: string, labels: readonly string[] = []): Metric {
    return this.#family(name, () => new Figures('gauge', help, labels)) as Figures;
  }

  histogram(
    name: string,
    help: string,
    labels: readonly string[] = [],
    buckets: readonly number[] = defaultBuckets,
  ): Histogram {
    return this.#family(name, () => new Buckets(help, labels, buckets)) as Buckets;
  }

  /** A metric whose samples are made when somebody asks (memory, figures of all containers). Disposing it takes it away. */
  source(
    name: string,
    kind: MetricKind,
    help: string,
    read: () => readonly Sample[] | Promise<readonly Sample[]>,
  ): Disposable {
    this.#families.set(name, {
      kind,
      help,
      lines: async (own) => (await read()).map((sample) => line(own, sample.labels ?? {}, sample.value)),
    });
    return { [Symbol.dispose]: () => void this.#families.delete(name) };
  }

  /** The same for many metrics that come from one reading. */
  collector(read: () => Promise<readonly MetricFamily[]>): Disposable {
    this.#collectors.add(read);
    return { [Symbol.dispose]: () => void this.#collectors.delete(read) };
  }

  /** Everything in Prometheus's text form 0.0.4, sorted by name. What cannot be read is left out, and told to `onError`. */
  async text(onError: (name: string, thrown: unknown) => void = () => {}): Promise<string> {
    const blocks = new Map<string, string>();
    for (const [name, family] of this.#families) {
      try {
        blocks.set(name, block(name, family.kind, family.help, await family.lines(name)));
      } catch (thrown) {
        onError(name, thrown);
      }
    }
    for (const read of this.#collectors) {
      try {
        for (const { name, kind, help, samples } of await read()) {
          const lines = samples.map(({ labels = {}, value }) => line(name, labels, value));
          blocks.set(name, block(name, kind, help, lines));
        }
      } catch (thrown) {
        onError('collector', thrown);
      }
    }
    return [...blocks]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, text]) => text)
      .join('');
  }

  #family(name: string, make: () => Family): Family {
    const known = this.#families.get(name);
    if (known !== undefined) return known;
    const made = make();
    this.#families.set(name, made);
    return made;
  }
}

interface Family {
  readonly kind: string;
  readonly help: string;
  lines(name: string): readonly string[] | Promise<readonly string[]>;
}

class Figures implements Metric, Family {
  readonly kind: MetricKind;
  readonly help: string;
  readonly #labels: readonly string[];
  readonly #values = new Map<string, { readonly labels: readonly string[]; value: number }>();

  constructor(kind: MetricKind, help: string, labels: readonly string[]) {
    this.kind = kind;
    this.help = help;
    this.#labels = labels;
  }

  add(amount: number, ...labels: readonly string[]): void {
    this.#at(labels).value += amount;
  }

  set(value: number, ...labels: readonly string[]): void {
    this.#at(labels).value = value;
  }

  lines(name: string): readonly string[] {
    return [...this.#values.values()].map(({ labels, value }) => line(name, named(this.#labels, labels), value));
  }

  #at(labels: readonly string[]): { value: number } {
    return atKey(this.#values, labels, () => ({ labels, value: 0 }));
  }
}

class Buckets implements Histogram, Family {
  readonly kind = 'histogram';
  readonly help: string;
  readonly #labels: readonly string[];
  readonly #bounds: readonly number[];
  readonly #values = new Map<
    string,
    { readonly labels: readonly string[]; readonly counts: number[]; sum: number; count: number }
  >();

  constructor(help: string, labels: readonly string[], bounds: readonly number[]) {
    this.help = help;
    this.#labels = labels;
    this.#bounds = bounds;
  }

  observe(value: number, ...labels: readonly string[]): void {
    const at = atKey(this.#values, labels, () => ({ labels, counts: this.#bounds.map(() => 0), sum: 0, count: 0 }));
    this.#bounds.forEach((bound, i) => {
      if (value <= bound) at.counts[i] = (at.counts[i] ?? 0) + 1;
    });
    at.sum += value;
    at.count++;
  }

  lines(name: string): readonly string[] {
    return [...this.#values.values()].flatMap(({ labels, counts, sum, count }) => {
      const own = named(this.#labels, labels);
      return [
        ...this.#bounds.map((bound, i) => line(`${name}_bucket`, { ...own, le: String(bound) }, counts[i] ?? 0)),
        line(`${name}_bucket`, { ...own, le: '+Inf' }, count),
        line(`${name}_sum`, own, sum),
        line(`${name}_count`, own, count),
      ];
    });
  }
}

function atKey<V>(values: Map<string, V>, labels: readonly string[], make: () => V): V {
  const key = labels.join('\0');
  const known = values.get(key);
  if (known !== undefined) return known;
  const made = make();
  values.set(key, made);
  return made;
}

function named(names: readonly string[], values: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name, i) => [name, values[i] ?? '']));
}

function block(name: string, kind: string, help: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${kind}\n${lines.join('\n')}\n`;
}

function line(name: string, labels: Readonly<Record<string, string>>, value: number): string {
  const inside = Object.entries(labels)
    .map(([key, text]) => `${key}="${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`)
    .join(',');
  const shown = value === Number.POSITIVE_INFINITY ? '+Inf' : String(value);
  return `${name}${inside === '' ? '' : `{${inside}}`} ${shown}`;
}

const escapeHelp = (help: string): string => help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
