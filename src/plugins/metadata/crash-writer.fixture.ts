/**
 * A process that is made to be killed: it ingests blobs, names them and removes older ones, and writes a line for each thing that was
 * acknowledged, and before each removal. Arguments: directory, first number.
 */
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { silent } from '#base/log';
import { ingest } from '#core/content/content.suite';
import { scopeOf } from '#core/scope';
import { openLocalStore } from '#plugins/content/local-store';
import { openMetadata } from './open-metadata.ts';

const [dir = '', first = '0'] = process.argv.slice(2);
const scope = scopeOf('crash');
const content = await openLocalStore(join(dir, 'content'), silent);
const events = { publish: async () => {} };
const metadata = await openMetadata(join(dir, 'meta.sqlite'), {
  ...{ content, events, log: silent, policy: 'shared' },
  snapshotters: new Map(),
});
for (let n = Number(first); ; n++) {
  const digest = await ingest(metadata.content, `content ${n}`, { in: scope });
  await metadata.images.create(scope, { name: `image-${n}`, target: { mediaType: 'm', digest, size: 1 }, labels: {} });
  writeSync(1, `made ${n}\n`);
  if (n % 3 !== 2 || n === Number(first)) continue;
  writeSync(1, `removing ${n - 1}\n`);
  await metadata.images.delete(scope, `image-${n - 1}`);
  if (n % 9 === 8) metadata.collect(scope.signal).catch(() => process.exit(3));
}
