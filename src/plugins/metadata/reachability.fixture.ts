import { Database } from 'bun:sqlite';

/** All that a collection may remove, as `kind|namespace|key`, and what of it is to be kept. Written anew, so as not to share mistakes with what it checks. */
export interface Picture {
  readonly all: ReadonlySet<string>;
  readonly reachable: ReadonlySet<string>;
  /** Blobs that a namespace has, blobs that an ingest waits for, and backend keys. */
  readonly blobs: ReadonlySet<string>;
  readonly expected: ReadonlySet<string>;
  readonly backendKeys: ReadonlySet<string>;
}

type Tables = Readonly<Partial<Record<(typeof tables)[number], Cells[]>>>;
type Column = 'ns' | 'name' | 'id' | 'digest' | 'labels' | 'snapshotter' | 'snapshot_key' | 'parent' | 'backend_key';
type Cells = Readonly<Record<Column | 'ref' | 'expires' | 'expected' | 'type' | 'lease', string>>;

/** Reads the whole database in one go and follows every reference. */
export function pictureOf(path: string, nowMs: number): Picture {
  const db = new Database(path, { readonly: true });
  try {
    const table = (name: string) => db.query(`SELECT * FROM ${name}`).all() as Cells[];
    return follow(Object.fromEntries(tables.map((name) => [name, table(name)])), nowMs);
  } finally {
    db.close();
  }
}

const tables = ['images', 'containers', 'blobs', 'ingests', 'snapshots', 'leases', 'lease_resources'] as const;

function follow(rows: Tables, nowMs: number): Picture {
  const web = new Web(nowMs);
  for (const row of rows.images ?? []) {
    const id = web.thing('image', row, row.name, 'expires');
    web.edge(id, `content|${row.ns}|${row.digest}`);
    web.edge(`~${id}`, `~content|${row.ns}|${row.digest}`);
  }
  for (const row of rows.containers ?? []) {
    const id = web.thing('container', row, row.id, 'expires');
    web.edge(id, `snapshot/${row.snapshotter}|${row.ns}|${row.snapshot_key}`);
  }
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
    web.edge(id, `${flat.has(id) ? '~' : ''}${kind}|${row.ns}|${row.id}`);
  }
  return {
    all: web.all,
    reachable: web.reachable(),
    blobs: new Set((rows.blobs ?? []).map((row) => row.digest)),
    expected: new Set((rows.ingests ?? []).map((row) => row.expected)),
    backendKeys: new Set((rows.snapshots ?? []).map((row) => row.backend_key)),
  };
}

class Web {
  readonly all = new Set<string>();
  readonly #edges = new Map<string, string[]>();
  readonly #roots: string[] = [];
  readonly #nowMs: number;

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
  }

  /** An object with its labels' edges. It is a root until it `expires`, when it is `labelled` so, `always` or `never`. */
  thing(kind: string, row: Cells, key: string, root: 'expires' | 'labelled' | 'always' | 'never'): string {
    const id = `${kind}|${row.ns}|${key}`;
    const labels = JSON.parse((row.labels as string | undefined) ?? '{}') as Record<string, string>;
    // Containers are never collected.
    if (kind !== 'container') this.all.add(id);
    const end = Date.parse(labels['containerd.io/gc.expire'] ?? '');
    const lives = Number.isNaN(end) || end > this.#nowMs || kind === 'container';
    const isRoot =
      root === 'expires' ? lives : root === 'labelled' ? 'containerd.io/gc.root' in labels : root === 'always';
    if (isRoot) this.#roots.push(id);
    for (const [label, target] of Object.entries(kind === 'lease' ? {} : labels)) {
      const match = /^containerd\.io\/gc\.(b?ref)\.(content|image|container|snapshot\.[^/]+)([./].*)?$/.exec(label);
      if (match === null) continue;
      const other = `${match[2]?.replace('.', '/')}|${row.ns}|${target}`;
      if (match[1] === 'ref') this.edge(id, other);
      else this.edge(other, id);
    }
    return id;
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
