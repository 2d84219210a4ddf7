/**
 * How bad it is. `damage`: something that was acknowledged is not there or not as it was. `leftover`: a crash or a kill left it; the daemon clears it
 * away when it starts or collects. `note`: allowed, and perhaps not meant.
 */
export type Severity = 'damage' | 'leftover' | 'note';

/** Everything that a check can find: how bad it is, and what it means. */
export const findingKinds = {
  'database-missing': ['damage', 'There are blobs or snapshots, and the database that names them is not there.'],
  'database-damaged': ['damage', 'SQLite says that the file is not whole. Nothing else in it is looked at.'],
  'index-damaged': ['damage', 'An index of a database differs from its table.'],
  'row-malformed': ['damage', 'A column has a text that is not what it must be.'],
  'flags-wrong': ['damage', 'What the collector reads instead of the labels differs from them.'],
  'namespace-missing': ['damage', 'Objects are in a namespace that has no row.'],
  'image-digest-differs': ['damage', "An image's digest is not that of its target."],
  'lease-missing': ['damage', 'Resources are held by a lease that has no row.'],
  'sequence-behind': ['damage', 'The next name for a backend may be one that is taken.'],
  'blob-missing': ['damage', 'A namespace has a blob whose file is not there.'],
  'blob-size-differs': ['damage', 'The file of a blob has another size than its row says.'],
  'blob-corrupt': ['damage', 'The bytes of a blob are not those of its digest. Only --deep finds it.'],
  'snapshot-missing': ['damage', 'A namespace has a snapshot that the snapshotter does not know.'],
  'snapshot-parent-missing': ['damage', "A snapshot's parent is not there, not committed, or comes back to it."],
  'snapshot-differs': ['damage', 'Kind or parent of a snapshot are not what the snapshotter says.'],
  'snapshot-record-damaged': ['damage', "A snapshotter's record makes no sense, or its parent is not there."],
  'snapshot-directory-missing': ['damage', 'The directory of a committed snapshot is not there.'],
  'snapshot-directory-lost': ['leftover', 'The directory of an active snapshot is not there: it is made again, empty.'],
  'blob-orphan': ['leftover', 'A blob that no namespace has.'],
  'ingest-orphan': ['leftover', 'An ingest that no namespace has, or that has no name.'],
  'snapshot-orphan': ['leftover', 'A snapshot that no namespace has.'],
  'snapshot-directory-orphan': ['leftover', 'A directory that belongs to no snapshot.'],
  'commit-pending': [
    'leftover',
    'A commit of a snapshot that was cut short: it is finished or undone when it is next met.',
  ],
  'removal-pending': ['leftover', 'A backend still has something to remove.'],
  'bundle-orphan': ['leftover', 'A directory of a task, or a part of one, that a crash or a reboot has cut off.'],
  'task-orphan': ['note', 'A task whose container has no record: it may run.'],
  'stray-file': ['note', 'A file among the blobs whose name is no digest.'],
  'image-incomplete': ['note', 'An image whose target the namespace does not have: it must be pulled again.'],
  'container-incomplete': ['note', 'A container whose root file system is not there.'],
} as const satisfies Readonly<Record<string, readonly [Severity, string]>>;

export type FindingKind = keyof typeof findingKinds;

export interface Finding {
  readonly kind: FindingKind;
  readonly severity: Severity;
  /** What it is about: a path, or an object by name. */
  readonly subject: string;
  readonly detail: string;
  /** What a repair does about it, or did; absent where nothing can be done. */
  readonly repair?: string;
  readonly repaired: boolean;
  /** Why the repair failed. */
  readonly failure?: string;
}

/** What can be done about a finding. */
export interface Mend {
  /** In words, of what goes away all that matters. */
  readonly does: string;
  run(): Promise<void> | void;
}

/** Takes findings, and repairs when it is asked to. */
export class Report {
  readonly findings: Finding[] = [];
  readonly repair: boolean;

  constructor({ repair }: { readonly repair: boolean }) {
    this.repair = repair;
  }

  /** Notes something; with `repair` does at once what can be done. Gives whether that was done. Does not throw for a repair that failed. */
  async add(kind: FindingKind, subject: string, detail: string, mend?: Mend): Promise<boolean> {
    const [severity] = findingKinds[kind];
    const failure = this.repair && mend !== undefined ? await failureOf(mend) : undefined;
    const repaired = this.repair && mend !== undefined && failure === undefined;
    this.findings.push({
      ...{ kind, severity, subject, detail, repaired },
      ...(mend !== undefined && { repair: mend.does }),
      ...(failure !== undefined && { failure }),
    });
    return repaired;
  }
}

async function failureOf(mend: Mend): Promise<string | undefined> {
  try {
    await mend.run();
    return undefined;
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown);
  }
}
