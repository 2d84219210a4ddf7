import { Database } from 'bun:sqlite';

/** All that a collection may remove, as `kind|namespace|key`, and what of it is to be kept. Written anew, so as not to share mistakes with what it checks. */
export interface Picture {
  readonly all: ReadonlySet<string>;
  readonly reachable: ReadonlySet<string>;
  /** Blobs that a namespace has, blobs that an ingest waits for, and backend keys. */
  readonly blobs: ReadonlySet<string>;
  readonly expected: ReadonlySet<string>;
  readonly backendKeys: ReadonlySet<string>;
  /** Of every snapshot the backend keys of which the backend has one: two while a commit is under way. */
  readonly snapshots: readonly (readonly string[])[];
  /** Parents of snapshots: these must be there. */
  readonly parents: ReadonlySet<string>;
}

type Tables = Readonly<Partial<Record<(typeof tables)[number], Cells[]>>>;
type Column = 'ns' | 'name' | 'id' | 'digest' | 'labels' | 'snapshotter' | 'snapshot_key' | 'parent' | 'backend_key';
type Cells = Readonly<Record<Column | 'ref' | 'committing' | 'expires' | 'expected' | 'type' | 'lease', string>>;

/** What has no row, for the model: the kind is `other/thing`. */
export interface Thing {
  readonly namespace: string;
  readonly key: string;
  readonly lease?: string;
}

/** Looks at a database from outside. */
export class Watcher implements Disposable {
  readonly #db: Database;

  constructor(path: string) {
    this.#db = new Database(path, { readonly: true });
  }

  /** Reads everything in one go and follows every reference. */
  picture(nowMs: number, things: readonly Thing[]): Picture {
    const table = (name: string) => this.#db.query(`SELECT * FROM ${name}`).all() as Cells[];
    return follow(Object.fromEntries(tables.map((name) => [name, table(name)])), nowMs, things);
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }
}

const tables = [
  'images',
  'containers',
  'sandboxes',
  'blobs',
  'ingests',
  'snapshots',
  'leases',
  'lease_resources',
] as const;

function follow(rows: Tables, nowMs: number, things: readonly Thing[]): Picture {
  const web = new Web(nowMs, rows.snapshots ?? []);
  for (const { namespace, key, lease } of things) {
    const id = web.thing('other/thing', { ns: namespace } as Cells, key, lease === undefined ? 'always' : 'never');
    if (lease !== undefined) web.edge(`lease|${namespace}|${lease}`, id);
  }
  for (const row of rows.images ?? []) {
    const id = web.thing('image', row, row.name, 'expires');
    web.edge(id, `content|${row.ns}|${row.digest}`);
    web.edge(`~${id}`, `~content|${row.ns}|${row.digest}`);
  }
  for (const row of rows.containers ?? []) {
    const id = web.thing('container', row, row.id, 'expires');
    web.edge(id, `snapshot/${row.snapshotter}|${row.ns}|${row.snapshot_key}`);
  }
  for (const row of rows.sandboxes ?? []) web.thing('sandbox', row, row.id, 'always');
  for (const row of rows.blobs ?? []) web.thing('content', row, row.digest, 'labelled');
  for (const row of rows.snapshots ?? []) {
    const id = web.thing(`snapshot/${row.snapshotter}`, row, row.name, 'labelled');
    const parent = `snapshot/${row.snapshotter}|${row.ns}|${row.parent}`;
    web.edge(id, parent);
    web.edge(`~${id}`, `~${parent}`);
  }
  for (const row of rows.ingests ?? []) {
    const id = web.thing('ingest', row, row.ref, Number(row.expires) * 1000 > nowMs ? 'always' : 'never');
    web.edge(id, `content|${row.ns}|${row.expected}`);
  }
  const flat = new Set<string>();
  for (const row of rows.leases ?? []) {
    const id = web.thing('lease', row, row.id, 'expires');
    if (row.labels.includes('containerd.io/gc.flat')) flat.add(id);
  }
  for (const row of rows.lease_resources ?? []) {
    const kind = row.type.replace('snapshots/', 'snapshot/').replace(/^(image|ingest)s$/, '$1');
    const id = `lease|${row.ns}|${row.lease}`;
    web.edge(id, `${flat.has(id) && kind !== 'ingest' ? '~' : ''}${kind}|${row.ns}|${row.id}`);
  }
  return {
    all: web.all,
    reachable: web.reachable(),
    blobs: new Set((rows.blobs ?? []).map((row) => row.digest)),
    expected: new Set((rows.ingests ?? []).map((row) => row.expected)),
    backendKeys: new Set((rows.snapshots ?? []).map((row) => row.backend_key)),
    parents: new Set(
      (rows.snapshots ?? [])
        .filter(({ parent }) => parent !== '')
        .map(({ snapshotter, ns, parent }) => `snapshot/${snapshotter}|${ns}|${parent}`),
    ),
    snapshots: (rows.snapshots ?? []).map(({ backend_key, committing }) =>
      committing === null ? [backend_key] : [backend_key, JSON.parse(committing).backendKey as string],
    ),
  };
}

class Web {
  readonly all = new Set<string>();
  readonly #edges = new Map<string, string[]>();
  readonly #roots: string[] = [];
  readonly #nowMs: number;
  /** When each snapshot was used last, as far as it says. */
  readonly #used = new Map<string, number>();

  constructor(nowMs: number, snapshots: readonly Cells[]) {
    this.#nowMs = nowMs;
    for (const { ns, snapshotter, name, labels } of snapshots) {
      const used = (JSON.parse(labels) as Record<string, string>)['containerd.io/gc.cond.value-usedat'];
      if (used !== undefined) this.#used.set(`snapshot/${snapshotter}|${ns}|${name}`, Date.parse(used));
    }
  }

  /** An object with its labels' edges. It is a root until it `expires`, when it is `labelled` so, `always` or `never`. */
  thing(kind: string, row: Cells, key: string, root: 'expires' | 'labelled' | 'always' | 'never'): string {
    const id = `${kind}|${row.ns}|${key}`;
    const labels = JSON.parse((row.labels as string | undefined) ?? '{}') as Record<string, string>;
    // These are never collected.
    if (kind !== 'container' && kind !== 'sandbox') this.all.add(id);
    const end = Date.parse(labels['containerd.io/gc.expire'] ?? '');
    const lives = Number.isNaN(end) || end > this.#nowMs || kind === 'container';
    const isRoot =
      root === 'expires' ? lives : root === 'labelled' ? 'containerd.io/gc.root' in labels : root === 'always';
    if (isRoot) this.#roots.push(id);
    for (const [label, target] of Object.entries(kind === 'lease' ? {} : labels)) {
      this.#condition(id, kind, row.ns, label, target);
      const match = /^containerd\.io\/gc\.(b?ref)\.(content|image|container|thing|snapshot\.[^/]+)([./].*)?$/.exec(
        label,
      );
      if (match === null) continue;
      const word = match[2] === 'thing' ? 'other/thing' : match[2]?.replace('.', '/');
      const other = `${word}|${row.ns}|${target}`;
      if (match[1] === 'ref') this.edge(id, other);
      else this.edge(other, id);
    }
    return id;
  }

  /** `gc.cond.snapshot.mem` = `usedat<2h|layer-1`, for images and blobs. */
  #condition(id: string, kind: string, ns: string, label: string, text: string): void {
    const match = /^usedat([<>])(\d+)h\|(.*)$/.exec(text);
    if (!['image', 'content'].includes(kind) || !label.includes('gc.cond.snapshot.mem') || match === null) return;
    const other = `snapshot/mem|${ns}|${match[3]}`;
    const age = this.#nowMs - (this.#used.get(other) ?? Number.NaN);
    const limit = Number(match[2]) * 3_600_000;
    if (match[1] === '<' ? age < limit : age > limit) this.edge(id, other);
  }

  edge(from: string, to: string): void {
    this.#edges.set(from, [...(this.#edges.get(from) ?? []), to]);
  }

  reachable(): Set<string> {
    const seen = new Set(this.#roots);
    for (const queue = [...this.#roots]; queue.length > 0; ) {
      for (const next of this.#edges.get(queue.pop() as string) ?? []) {
        if (seen.has(next)) continue;
        seen.add(next);
        queue.push(next);
      }
    }
    return new Set([...seen].map((id) => id.replace(/^~/, '')).filter((id) => this.all.has(id)));
  }
}
