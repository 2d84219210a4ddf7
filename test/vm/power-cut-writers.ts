import { expect } from 'bun:test';
import type { Machine } from './machine.ts';

/** What a client was told has been done. */
export interface Acknowledged {
  readonly kind: string;
  readonly name: string;
  /** A digest where there is something to compare. */
  readonly sum: string;
}

const ctr = '/usr/bin/ctr -n cut';
const registry = '127.0.0.1:5000';

/** Those lines that writers have said whole. */
export const acknowledged = (said: readonly string[]): readonly Acknowledged[] =>
  said.flatMap((line) => {
    const [, kind, name, sum] = /^done (\S+) (\S+) (\S+) \.$/.exec(line) ?? [];
    return kind === undefined || name === undefined || sum === undefined ? [] : [{ kind, name, sum }];
  });

/** Starts four clients that pull, write blobs, commit snapshots and write metadata until the power goes, and say each thing that was acknowledged. */
export async function startWriters(machine: Machine, run: string, firstImage: number, images: number): Promise<void> {
  const done = (kind: string, name: string, sum = '-') => `echo "done ${kind} ${name} ${sum} ." > /dev/ttyS2`;
  const scripts: Readonly<Record<string, string>> = {
    pulls: `
      for i in $(seq ${firstImage} ${firstImage + images - 1}); do
        image=${registry}/pulled-$i:1
        ${ctr} images pull --plain-http $image > /dev/null && ${done('image', '$image')}
      done`,
    blobs: `
      for k in $(seq 6); do
        head -c 200000 /dev/urandom > /run/${run}.blob
        sum=$(sha256sum < /run/${run}.blob | cut -d' ' -f1)
        ${ctr} content ingest --expected-digest sha256:$sum ${run}-$k < /run/${run}.blob || continue
        ${ctr} content label sha256:$sum containerd.io/gc.root=now > /dev/null && ${done('blob', 'sha256:$sum')}
      done`,
    snapshots: `
      mkdir -p /run/${run}.mnt
      for k in $(seq 6); do
        ${ctr} snapshots prepare -t /run/${run}.mnt ${run}-$k-active $parent > /run/${run}.mount || continue
        sh /run/${run}.mount || continue
        head -c 150000 /dev/urandom > /run/${run}.mnt/file
        sum=$(sha256sum < /run/${run}.mnt/file | cut -d' ' -f1)
        umount /run/${run}.mnt
        ${ctr} snapshots commit ${run}-$k ${run}-$k-active || continue
        parent=${run}-$k
        ${ctr} snapshots label ${run}-$k containerd.io/gc.root=now > /dev/null && ${done('snapshot', `${run}-$k`, '$sum')}
      done`,
    records: `
      for k in $(seq 8); do
        ${ctr} leases create --id ${run}-$k > /dev/null && ${done('lease', `${run}-$k`)}
        ${ctr} namespaces create ${run}-$k && ${done('namespace', `${run}-$k`)}
        [ $k -gt 2 ] && ${ctr} leases delete --sync ${run}-$((k - 2)) > /dev/null && ${done('lease-gone', `${run}-$((k - 2))`)}
      done`,
  };
  await machine.ok(`/usr/bin/ctr namespaces create cut 2> /dev/null || true`);
  await machine.ok(
    `busybox wget -q -O /dev/null http://${registry}/v2/ || (printf 'version: 0.1\\nstorage:\\n  filesystem:\\n    rootdirectory: /payload/registry\\nhttp:\\n  addr: ${registry}\\n' > /run/registry.yml && systemd-run -q --unit=registry docker-registry serve /run/registry.yml)`,
  );
  await machine.until(`busybox wget -q -O /dev/null http://${registry}/v2/`);
  for (const [name, script] of Object.entries(scripts))
    await machine.ok(
      `echo ${Buffer.from(script).toString('base64')} | base64 -d > /run/${run}.${name}.sh && systemd-run -q --unit=${run}-${name} sh /run/${run}.${name}.sh`,
    );
}

/** A script that succeeds when these writers have ended by themselves. */
export const writersEnd = (run: string) =>
  ['pulls', 'blobs', 'snapshots', 'records'].map((name) => `! systemctl is-active -q ${run}-${name}`).join(' && ');

/** All that was acknowledged must be in the store, the latest of it is looked into, and nothing in the store may be half. */
export async function verifyStore(
  machine: Machine,
  said: readonly Acknowledged[],
  latest: readonly Acknowledged[],
): Promise<void> {
  const named = (kind: string) => said.filter((each) => each.kind === kind).map(({ name }) => name);
  const listed = async (what: string) =>
    (await machine.ok(`${ctr} ${what} ls -q`, 120)).split('\n').map((line) => line.trim());
  const missing = (wanted: readonly string[], found: readonly string[]) =>
    wanted.filter((name) => !found.includes(name));

  expect(missing(named('image'), await listed('images'))).toEqual([]);
  expect(missing(named('blob'), await listed('content'))).toEqual([]);
  const leases = await listed('leases');
  const gone = named('lease-gone');
  expect(
    missing(
      named('lease').filter((name) => !gone.includes(name) && !mayBeGone(name, said)),
      leases,
    ),
  ).toEqual([]);
  expect(gone.filter((name) => leases.includes(name))).toEqual([]);
  expect(missing(named('namespace'), (await machine.ok('/usr/bin/ctr namespaces ls -q')).split('\n'))).toEqual([]);

  // Every blob that has its name is what the name says.
  const wrong = await machine.ok(
    'cd /var/lib/containerd/io.containerd.content.v1.content/blobs/sha256 && sha256sum * | while read sum name; do [ $sum = $name ] || echo $name; done',
    120,
  );
  expect(wrong).toBe('');
  if (named('image').length > 0) {
    const images = await machine.ok(`${ctr} images check`, 120);
    for (const name of named('image')) expect(images).toMatch(new RegExp(`^${name} .* complete .*true`, 'm'));
    const last = named('image').at(-1);
    const inside = await machine.ok(
      `${ctr} run --rm ${last} check-$$ sh -c 'for f in /data-a /data-b /data-c; do head -c 700001 $f | busybox wc -c; done'`,
      120,
    );
    expect(inside.split(/\s+/)).toEqual(['700000', '700000', '700000']);
  }
  for (const { name, sum } of latest.filter(({ kind }) => kind === 'snapshot')) {
    const view = `mkdir -p /run/view && ${ctr} snapshots view -t /run/view view-${name} ${name} > /run/view.sh && sh /run/view.sh && sha256sum < /run/view/file; umount /run/view; ${ctr} snapshots rm view-${name}`;
    expect([name, await machine.ok(view)]).toEqual([name, `${sum}  -`]);
  }
  const { code, stdout } = await machine.run('systemctl stop containerd && containerd check --deep', 180);
  expect({ code, stdout }).toMatchObject({ code: 0 });
  await machine.ok('systemctl start containerd', 120);
  expect(await machine.ok('journalctl -u containerd -b --no-pager -o cat | grep level=error || true')).toBe('');
}

/** The delete of the oldest may have been carried out when the power went, before anybody was told; it begins when the second next is there. */
function mayBeGone(name: string, said: readonly Acknowledged[]): boolean {
  const [, run = '', number = ''] = /^(.*)-(\d+)$/.exec(name) ?? [];
  const told = (kind: string, of: number) => said.some((each) => each.kind === kind && each.name === `${run}-${of}`);
  const k = Number(number);
  return told('lease', k + 2) && (k === 1 || told('lease-gone', k - 1));
}
