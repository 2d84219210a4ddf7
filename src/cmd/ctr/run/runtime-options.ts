import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { OptionsSchema as GenericOptionsSchema } from '#api/runtime/options/v1/options_pb';
import { OptionsSchema } from '#api/runtime/runc/v1/options_pb';
import type { Any } from '#base/any';
import { invalidArgument } from '#base/errors';
import type { IdMapping } from '#lib/oci/spec/spec';
import { flag, text } from '../../cli/flags.ts';

/** What containerd's runc shim takes; other runtimes do not. */
export const runcFlags = {
  'runc-binary': text('specify runc-compatible binary'),
  'runc-root': text('specify runc-compatible root'),
  'runc-systemd-cgroup': flag('start runc with systemd cgroup manager'),
};

export interface RuntimeFlags {
  readonly runtime: string;
  readonly 'runtime-config-path': string;
  readonly 'runc-binary': string;
  readonly 'runc-root': string;
  readonly 'runc-systemd-cgroup': boolean;
}

const runcRuntime = 'io.containerd.runc.v2';

/** The runtime's options as containers carry them. @throws invalid_argument for runc's flags with another runtime */
export function runtimeOptions(flags: RuntimeFlags, noPivotRoot = false): Any | undefined {
  const { 'runc-binary': binaryName, 'runc-systemd-cgroup': systemdCgroup, 'runc-root': root } = flags;
  if (flags.runtime !== runcRuntime && (binaryName !== '' || systemdCgroup)) {
    throw invalidArgument(
      `specifying runc-binary and runc-systemd-cgroup is only supported for "${runcRuntime}" runtime`,
    );
  }
  if (flags.runtime === runcRuntime) {
    const options = create(OptionsSchema, { binaryName, systemdCgroup, root, noPivotRoot });
    return { typeUrl: OptionsSchema.typeName, value: toBinary(OptionsSchema, options) };
  }
  const configPath = flags['runtime-config-path'];
  if (configPath === '') return undefined;
  const options = create(GenericOptionsSchema, { configPath });
  return { typeUrl: GenericOptionsSchema.typeName, value: toBinary(GenericOptionsSchema, options) };
}

export interface TaskWishes {
  readonly noPivotRoot: boolean;
  /** Whose root owns the task's streams. */
  readonly uids: readonly IdMapping[];
  readonly gids: readonly IdMapping[];
}

/** What is for the task alone: no pivot, and the owners of its streams. Nothing where nothing is asked for. */
export function taskOptions(flags: RuntimeFlags, { noPivotRoot, uids, gids }: TaskWishes): Any | undefined {
  if (flags.runtime !== runcRuntime || (uids.length === 0 && gids.length === 0 && !noPivotRoot)) return undefined;
  const { 'runc-binary': binaryName, 'runc-systemd-cgroup': systemdCgroup, 'runc-root': root } = flags;
  const hostRoot = (mappings: readonly IdMapping[]) =>
    (mappings.find(({ containerID }) => containerID === 0) ?? mappings[0])?.hostID ?? 0;
  const options = create(OptionsSchema, {
    binaryName,
    systemdCgroup,
    root,
    noPivotRoot,
    ioUid: hostRoot(uids),
    ioGid: hostRoot(gids),
  });
  return { typeUrl: OptionsSchema.typeName, value: toBinary(OptionsSchema, options) };
}

/** `--no-pivot` for a container that was made earlier: its own options with that set. @throws invalid_argument for runtimes other than runc */
export function withoutPivot(runtime: { readonly name: string; readonly options?: Any }): Any {
  if (runtime.name !== runcRuntime)
    throw invalidArgument(`no-pivot is only supported for "${runcRuntime}" runtime, not for ${runtime.name}`);
  const known = runtime.options?.typeUrl.endsWith(OptionsSchema.typeName) ? runtime.options.value : new Uint8Array(0);
  const options = { ...fromBinary(OptionsSchema, known), noPivotRoot: true };
  return { typeUrl: OptionsSchema.typeName, value: toBinary(OptionsSchema, options) };
}
