import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { invalidArgument, notFound } from '#base/errors';
import { programDirectory } from '#base/program-directory';
import type { GpuHook } from '#lib/oci/spec/gpus';

type Environment = Readonly<Record<string, string | undefined>>;

/** What `--gpus` needs of this machine. @throws invalid_argument for what is no number; not_found without NVIDIA's tool or a containerd */
export async function gpuHook(words: readonly string[], environment: Environment): Promise<GpuHook> {
  const devices = words.flatMap((word) => word.split(',')).map(deviceNumber);
  const path = (environment.PATH ?? '').split(':').filter((one) => one !== '');
  return {
    devices,
    hook: await find('containerd', [programDirectory(), ...path]),
    cli: await find('nvidia-container-cli', path),
    env: Object.entries(environment).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`])),
  };
}

function deviceNumber(word: string): number {
  if (!/^\d{1,4}$/.test(word)) throw invalidArgument(`gpus: ${JSON.stringify(word)} is no device's number`);
  return Number(word);
}

async function find(name: string, path: readonly string[]): Promise<string> {
  for (const directory of path) {
    const file = join(directory, name);
    const there = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (there) return file;
  }
  throw notFound(`executable ${JSON.stringify(name)} in $PATH`);
}
