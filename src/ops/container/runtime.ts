import { access, constants } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { OptionsSchema } from '#api/runtime/runc/v1/options_pb';
import type { Any } from '#base/any';
import { invalidArgument } from '#base/errors';
import type { HostIds } from '#client/remap';
import type { Engine } from '../engine.ts';
import { hostRoot } from './spec/users.ts';

export interface ChosenRuntime {
  readonly name: string;
  readonly options?: Any;
}

const runc = 'io.containerd.runc.v2';

/** A shim by its name, or a program like runc. @throws invalid_argument in docker's words for one that is not here */
export async function chooseRuntime(engine: Engine, wanted: string, ids: HostIds | undefined): Promise<ChosenRuntime> {
  const { client, scope, config } = engine;
  const isShim = wanted === '' || wanted.startsWith('io.containerd.') || wanted.startsWith('io.berth.');
  const name = isShim ? await client.runtimeName(scope, wanted) : runc;
  if (name !== runc) return { name };
  const options = create(OptionsSchema, {
    binaryName: isShim ? '' : await program(wanted),
    systemdCgroup: config.cgroupManager === 'systemd',
    // Streams belong to the container's root.
    ioUid: ids === undefined ? 0 : hostRoot(ids.uids),
    ioGid: ids === undefined ? 0 : hostRoot(ids.gids),
  });
  return { name, options: { typeUrl: OptionsSchema.typeName, value: toBinary(OptionsSchema, options) } };
}

async function program(name: string): Promise<string> {
  const candidates = isAbsolute(name)
    ? [name]
    : name.includes('/')
      ? []
      : (process.env.PATH ?? '')
          .split(':')
          .filter(isAbsolute)
          .map((directory) => join(directory, name));
  for (const candidate of candidates) if (await isExecutable(candidate)) return candidate;
  throw invalidArgument(`unknown or invalid runtime name: ${name}`);
}

const isExecutable = (path: string) =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
