import { randomBytes } from 'node:crypto';
import { invalidArgument } from '#base/errors';
import { anonymousLabel, ensureVolume, type Volume } from '#core/volumes/volumes';
import { checkVolumeDriver, checkVolumeName } from '../container/parse/volume.ts';
import type { Engine } from '../engine.ts';
import { checkVolumeOptions } from './volume-source.ts';

export interface CreateVolumeOptions {
  /** Empty: one is made up, and the volume goes with others that nobody has named. */
  readonly name?: string;
  readonly driver?: string;
  readonly options?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
}

/** The volume of that name, which may be there already. @throws invalid_argument in docker's words; not_implemented for a driver that is not here */
export async function createVolume({ layout, scope }: Engine, wanted: CreateVolumeOptions): Promise<Volume> {
  const { name = '', driver = '', options = {}, labels = {} } = wanted;
  checkVolumeDriver(driver);
  checkVolumeOptions(options);
  if (name !== '') checkVolumeName(name);
  const { volume, isNew } = await ensureVolume(layout.volumes(scope.namespace), {
    name: name === '' ? randomBytes(32).toString('hex') : name,
    labels: name === '' ? { [anonymousLabel]: '', ...labels } : labels,
    options,
  });
  const differs = Object.entries(options).some(([key, value]) => volume.options[key] !== value);
  if (!isNew && differs) throw invalidArgument(`create ${name}: volume ${name} is there already, with other options`);
  return volume;
}
