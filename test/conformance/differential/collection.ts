import { Containers } from '#api/services/containers/v1/containers_pb';
import { Content, WriteAction } from '#api/services/content/v1/content_pb';
import { Images } from '#api/services/images/v1/images_pb';
import { Leases } from '#api/services/leases/v1/leases_pb';
import { Snapshots } from '#api/services/snapshots/v1/snapshots_pb';
import { type Step, type StepOptions, step } from './call.ts';
import { digestOf, manifest } from './names.ts';

const gc = 'containerd.io/gc.';
const snapshotter = 'native';
const past = '2001-01-01T00:00:00Z';
const future = '2999-01-01T00:00:00Z';
type Labels = Readonly<Record<string, string>>;

const held: StepOptions = { namespace: 'gc', lease: 'holder' };
const blob = (text: string, labels: Labels = {}, options: StepOptions = held): Step =>
  step(
    `the blob ${text}`,
    Content.method.write,
    [
      { action: WriteAction.WRITE, ref: text, data: Buffer.from(text) },
      { action: WriteAction.COMMIT, offset: BigInt(text.length), labels },
    ],
    options,
  );
const active = (key: string, labels: Labels = {}, parent = '', options: StepOptions = held): Step =>
  step(`the snapshot ${key}`, Snapshots.method.prepare, { snapshotter, key, parent, labels }, options);
const committed = (name: string, labels: Labels = {}, parent = '', options: StepOptions = held): readonly Step[] => [
  active(`${name}-key`, {}, parent, options),
  step(`as ${name}`, Snapshots.method.commit, { snapshotter, key: `${name}-key`, name, labels }, options),
];
const image = (name: string, text: string, labels: Labels = {}): Step =>
  step(
    `the image ${name}`,
    Images.method.create,
    { image: { name, target: { mediaType: manifest, digest: digestOf(text), size: 1n }, labels } },
    held,
  );
const lease = (id: string, labels: Labels = {}): Step =>
  step(id, Leases.method.create, { id, labels }, { namespace: 'gc' });
const hold = (id: string, type: string, name: string): Step =>
  step(
    `${type} ${name} to ${id}`,
    Leases.method.addResource,
    { id, resource: { id: name, type } },
    { namespace: 'gc' },
  );
const spec = { typeUrl: 'x', value: Buffer.from('{}') };

const here = { namespace: 'gc' };
/** Collects, and shows what is left of everything. */
const collected = (after: string): readonly Step[] => [
  step(`to have something to delete ${after}`, Leases.method.create, { id: 'sweep' }, here),
  step(`which waits for a collection ${after}`, Leases.method.delete, { id: 'sweep', sync: true }, here),
  step(`left ${after}`, Content.method.list, {}, here),
  step(`left ${after}`, Snapshots.method.list, { snapshotter }, here),
  step(`left ${after}`, Images.method.list, {}, here),
  step(`left ${after}`, Leases.method.list, {}, here),
  step(`left ${after}`, Content.method.listStatuses, {}, here),
];

export const collection: readonly Step[] = [
  lease('holder'),
  // Content: roots and references in all spellings.
  blob('rooted', { [`${gc}root`]: '' }),
  blob('rooted with a value', { [`${gc}root`]: 'any', [`${gc}ref.content`]: digestOf('plain') }),
  blob('plain', { [`${gc}ref.content.m.0`]: digestOf('dotted'), [`${gc}ref.content.l.1`]: digestOf('dotted too') }),
  blob('dotted', { [`${gc}ref.snapshot.native`]: 'referred' }),
  blob('dotted too', { [`${gc}ref.content/slash`]: digestOf('slashed') }),
  blob('slashed'),
  blob('cycle one', { [`${gc}ref.content`]: digestOf('cycle two') }),
  blob('cycle two', { [`${gc}ref.content`]: digestOf('cycle one') }),
  blob('missing reference', { [`${gc}root`]: 'x', [`${gc}ref.content`]: digestOf('nowhere') }),
  blob('referred by nobody', { [`${gc}ref.content`]: digestOf('only by nobody') }),
  blob('only by nobody'),
  blob('odd label', { [`${gc}reference.content`]: 'x', [`${gc}refcontent`]: 'x', 'gc.root': 'x' }),
  // Snapshots.
  ...committed('base'),
  ...committed('middle', {}, 'base'),
  ...committed('referred', {}, 'middle'),
  ...committed('alone'),
  active('rooted active', { [`${gc}root`]: '1' }, 'alone'),
  active('unrooted active', {}, 'alone'),
  active('container rootfs'),
  active('refers', { [`${gc}root`]: '1', [`${gc}ref.content`]: digestOf('of a snapshot') }),
  blob('of a snapshot'),
  // Images and containers.
  image('kept', 'of the image'),
  blob('of the image', { [`${gc}ref.content.config`]: digestOf('its config') }),
  blob('its config', { [`${gc}ref.snapshot.native`]: 'of an image' }),
  ...committed('of an image'),
  // An expired image stays in 1.6, and goes in later releases and in ours.
  image('lasting', 'of the lasting', { [`${gc}expire`]: future }),
  blob('of the lasting'),
  image('with a date that is none', 'of no date', { [`${gc}expire`]: 'tomorrow' }),
  blob('of no date'),
  step(
    'with a snapshot and references',
    Containers.method.create,
    {
      container: {
        ...{ id: 'c', runtime: { name: 'r' }, spec, snapshotter, snapshotKey: 'container rootfs' },
        labels: { [`${gc}ref.content`]: digestOf('of a container') },
      },
    },
    held,
  ),
  blob('of a container'),
  // Leases.
  lease('living', { [`${gc}expire`]: future }),
  lease('dead', { [`${gc}expire`]: past }),
  lease('odd', { [`${gc}expire`]: 'tomorrow' }),
  lease('flat', { [`${gc}flat`]: '' }),
  blob('leased', { [`${gc}ref.content`]: digestOf('of the leased') }),
  blob('of the leased'),
  hold('living', 'content', digestOf('leased')),
  blob('of the dead'),
  // Ours collects a lease as soon as it has expired: what it would hold cannot be given to it any more.
  blob('of the odd'),
  hold('odd', 'content', digestOf('of the odd')),
  blob('flat one', { [`${gc}ref.content`]: digestOf('beyond the flat one') }),
  blob('beyond the flat one'),
  hold('flat', 'content', digestOf('flat one')),
  ...committed('flat base'),
  ...committed('flat child', { [`${gc}ref.content`]: digestOf('beyond the flat child') }, 'flat base'),
  blob('beyond the flat child'),
  hold('flat', 'snapshots/native', 'flat child'),
  ...committed('leased base'),
  active('leased active', {}, 'leased base'),
  hold('living', 'snapshots/native', 'leased active'),
  step('not leased', Content.method.write, { action: WriteAction.STAT, ref: 'young' }, here),
  step('leased', Content.method.write, { action: WriteAction.STAT, ref: 'leased ingest' }, held),
  ...collected('while all is held'),
  step('of everything', Leases.method.delete, { id: 'holder', sync: true }, here),
  ...collected('when nothing is held'),
  step('the kept one', Images.method.delete, { name: 'kept', sync: true }, here),
  step('it', Containers.method.delete, { id: 'c' }, here),
  step(
    'no root any more',
    Content.method.update,
    { info: { digest: digestOf('rooted with a value') }, updateMask: { paths: [`labels.${gc}root`] } },
    here,
  ),
  ...collected('without some roots'),
  ...['living', 'odd', 'flat'].map((id) => step(id, Leases.method.delete, { id }, here)),
  ...collected('without leases'),
];
