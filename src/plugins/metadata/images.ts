import { alreadyExists, notFound } from '#base/errors';
import { now } from '#base/timestamp';
import type { Descriptor } from '#core/descriptor';
import { expiry } from '#core/gc/references';
import { checkImageName, createdImage, imageFields, updatedImage } from '#core/images/image-change';
import type { Image, ImageStore, NewImage } from '#core/images/images';
import type { Scope } from '#core/scope';
import type { Digest } from '#lib/digest';
import { parseFilters } from '#lib/filters/filter';
import { imageCreated, imageDeleted, imageUpdated } from './announcements.ts';
import type { Change, MetaDatabase } from './database.ts';
import { readLabels, readTime, writeLabels } from './rows.ts';
import { enterNamespace, holdInLease } from './space.ts';

type Row = [name: string, target: string, labels: string, cs: number, cn: number, us: number, un: number];
const columns = 'name, target, labels, created_s, created_n, updated_s, updated_n';

/** Images in SQLite. */
export class SqliteImages implements ImageStore {
  readonly #db: MetaDatabase;

  constructor(db: MetaDatabase) {
    this.#db = db;
  }

  async get(scope: Scope, name: string): Promise<Image> {
    return this.#get(scope, name);
  }

  async list(scope: Scope, filters: readonly string[] = []): Promise<readonly Image[]> {
    const filter = parseFilters(filters);
    const rows = this.#db.rows<Row>(`SELECT ${columns} FROM images WHERE ns = ? ORDER BY name`, scope.namespace);
    return rows.map(fromRow).filter((image) => filter.match(imageFields(image)));
  }

  create(scope: Scope, given: NewImage): Promise<Image> {
    return this.#db.write((change) => {
      const image = createdImage(given, now());
      if (this.#db.has('SELECT 1 FROM images WHERE ns = ? AND name = ?', scope.namespace, image.name)) {
        throw alreadyExists(`image ${JSON.stringify(image.name)}`);
      }
      enterNamespace(this.#db, scope.namespace);
      this.#put(change, scope, image);
      imageCreated(change, scope.namespace, image);
      return image;
    });
  }

  update(scope: Scope, given: NewImage, fields: readonly string[] = []): Promise<Image> {
    return this.#db.write((change) => {
      checkImageName(given.name);
      const image = updatedImage(this.#get(scope, given.name), given, fields, now());
      this.#put(change, scope, image);
      change.deletion();
      imageUpdated(change, scope.namespace, image);
      return image;
    });
  }

  delete(scope: Scope, name: string, options: { readonly target?: Digest } = {}): Promise<void> {
    return this.#db.write((change) => {
      const { target } = this.#get(scope, name);
      if (options.target !== undefined && options.target !== target.digest) {
        throw notFound(`image ${JSON.stringify(name)} with target ${options.target}`);
      }
      this.#db.run('DELETE FROM images WHERE ns = ? AND name = ?', scope.namespace, name);
      change.deletion();
      imageDeleted(change, scope.namespace, name);
    });
  }

  #get(scope: Scope, name: string): Image {
    const row = this.#db.row<Row>(`SELECT ${columns} FROM images WHERE ns = ? AND name = ?`, scope.namespace, name);
    if (row === undefined) throw notFound(`image ${JSON.stringify(name)}`);
    return fromRow(row);
  }

  #put(change: Change, scope: Scope, image: Image): void {
    const { name, target, labels, createdAt, updatedAt } = image;
    this.#db.run(
      `INSERT OR REPLACE INTO images (ns, digest, ${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      scope.namespace,
      target.digest,
      name,
      JSON.stringify(target),
      writeLabels(labels),
      createdAt.seconds,
      createdAt.nanos,
      updatedAt.seconds,
      updatedAt.nanos,
    );
    // An image is a root by itself; only one that expires needs a lease.
    if (labels['containerd.io/gc.expire'] !== undefined) holdInLease(this.#db, scope, 'images', name);
    change.touch({ kind: 'image', namespace: scope.namespace, key: name });
    change.expires(expiry(labels));
  }
}

function fromRow([name, target, labels, cs, cn, us, un]: Row): Image {
  return {
    name,
    target: JSON.parse(target) as Descriptor,
    labels: readLabels(labels),
    createdAt: readTime(cs, cn),
    updatedAt: readTime(us, un),
  };
}
