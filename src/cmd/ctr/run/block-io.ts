import { readFile } from 'node:fs/promises';
import { invalidArgument, wrap } from '#base/errors';
import { blockIoOf, parseBlockIoClasses } from '#lib/oci/spec/block-io';
import { type Spec, withResources } from '#lib/oci/spec/spec';
import { diskNumbers } from '#sys/disks';
import { parseYaml } from '#sys/yaml';
import type { ContainerFlags } from './container-flags.ts';

/** `--blockio-class`, out of `--blockio-config-file`. @throws invalid_argument for a class that the file has not, or without a file */
export async function withBlockIoFlags(spec: Spec, flags: ContainerFlags): Promise<Spec> {
  const { 'blockio-class': name, 'blockio-config-file': file } = flags;
  if (name === '') {
    if (file !== '') throw invalidArgument('blockio-config-file does nothing without blockio-class');
    return spec;
  }
  if (file === '') throw invalidArgument(`blockio class ${JSON.stringify(name)}: no blockio-config-file defines it`);
  try {
    const classes = parseBlockIoClasses(parseYaml(await readFile(file, 'utf8')));
    const found = classes.get(name);
    if (found === undefined) throw invalidArgument(`no class ${JSON.stringify(name)}`);
    return withResources(spec, { blockIO: blockIoOf(found, diskNumbers) });
  } catch (thrown) {
    throw wrap(thrown, `blockio config file ${file}`);
  }
}
