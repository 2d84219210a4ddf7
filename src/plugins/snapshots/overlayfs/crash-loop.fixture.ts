import { writeSync } from 'node:fs';
import { silent } from '#base/log';
import { scope } from '#core/snapshots/snapshotter.suite';
import { OverlaySnapshotter } from './overlay-snapshotter.ts';

// A program of its own, to be killed: makes, commits and removes snapshots below argv[2], and says on standard output what was acknowledged.
const store = await OverlaySnapshotter.open(process.argv[2] as string, {
  mountOptions: [],
  upperdirLabel: false,
  syncRemove: false,
  log: silent,
});
const say = (line: string) => writeSync(1, `${line}\n`);
say('ready');
const tag = process.argv[3] as string;
for (let i = 0; ; i++) {
  const chain = async (n: number) => {
    const [key, name] = [`${tag}-${i}-${n}-key`, `${tag}-${i}-${n}`];
    await store.prepare(scope, key, '');
    say(`${name} active`);
    await store.commit(scope, name, key);
    say(`${name} committed`);
    if (n % 2 === 0) return;
    await store.remove(scope, name);
    say(`${name} gone`);
  };
  await Promise.all([0, 1, 2, 3].map(chain));
  if (i % 5 === 0) await store.cleanup(scope);
}
