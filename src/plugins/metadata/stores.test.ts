import { containerStoreSuite } from '#core/containers/containers.suite';
import { imageStoreSuite } from '#core/images/images.suite';
import { leaseStoreSuite } from '#core/leases/leases.suite';
import { namespaceStoreSuite } from '#core/namespaces/namespaces.suite';
import { sandboxStoreSuite } from '#core/sandboxes/sandboxes.suite';
import { SqliteContainers } from './containers.ts';
import { openTestDatabase } from './database.fixture.ts';
import type { MetaDatabase } from './database.ts';
import { SqliteImages } from './images.ts';
import { SqliteLeases } from './leases.ts';
import { SqliteNamespaces } from './namespaces.ts';
import { SqliteSandboxes } from './sandboxes.ts';

const on =
  <T>(make: (db: MetaDatabase) => T) =>
  async () => {
    const opened = await openTestDatabase();
    return { store: make(opened.db), [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose]() };
  };

imageStoreSuite(
  'SQLite',
  on((db) => new SqliteImages(db)),
);
containerStoreSuite(
  'SQLite',
  on((db) => new SqliteContainers(db)),
);
leaseStoreSuite(
  'SQLite',
  on((db) => new SqliteLeases(db)),
);
namespaceStoreSuite(
  'SQLite',
  on((db) => new SqliteNamespaces(db)),
);
sandboxStoreSuite(
  'SQLite',
  on((db) => new SqliteSandboxes(db)),
);
