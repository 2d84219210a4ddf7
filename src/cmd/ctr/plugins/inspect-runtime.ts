import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import { OptionsSchema } from '#api/runtime/runc/v1/options_pb';
import { RuntimeInfoSchema, RuntimeRequestSchema } from '#api/types/introspection_pb';
import { invalidArgument } from '#base/errors';
import { ctrJson } from '#lib/go-json';
import { anyToWire } from '#rpc/values';
import { text } from '../../cli/flags.ts';
import { command } from '../globals.ts';
import { runcFlags, runtimeOptions } from '../run/runtime-options.ts';

export default command({
  name: 'inspect-runtime',
  summary: 'display runtime info',
  args: '[flags]',
  flags: {
    runtime: text('runtime name or absolute path to runtime binary', { default: 'io.containerd.runc.v2' }),
    'runtime-config-path': text('optional runtime config path'),
    ...runcFlags,
  },
  run: async ({ client, scope }, { io, flags }) => {
    const options = runtimeOptions(flags);
    const question = create(RuntimeRequestSchema, {
      runtimePath: flags.runtime,
      ...(options === undefined ? {} : { options: anyToWire(options) }),
    });
    const { extra } = await client.introspection.plugin(
      'io.containerd.runtime.v2',
      'task',
      { typeUrl: RuntimeRequestSchema.typeName, value: toBinary(RuntimeRequestSchema, question) },
      scope.signal,
    );
    if (extra === undefined || !extra.typeUrl.endsWith(RuntimeInfoSchema.typeName))
      throw invalidArgument(`the daemon told nothing of runtime ${JSON.stringify(flags.runtime)}`);
    const { name, version, options: used, features, annotations } = fromBinary(RuntimeInfoSchema, extra.value);
    const known = used === undefined ? undefined : anyUnpack(used, OptionsSchema);
    await io.stdout.write(
      `${ctrJson({
        Name: name,
        Version: { Version: version?.version ?? '', Revision: version?.revision ?? '' },
        Options: used === undefined ? null : known === undefined ? { type_url: used.typeUrl } : runcJson(known),
        Features: features === undefined ? null : (JSON.parse(new TextDecoder().decode(features.value)) as object),
        Annotations: Object.keys(annotations).length === 0 ? null : annotations,
      })}\n`,
    );
    return 0;
  },
});

/** Runc's options as Go prints them: what is not set is left out. */
function runcJson({
  $typeName: _,
  $unknown: _unknown,
  ...options
}: object & { $typeName: string; $unknown?: unknown }) {
  const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return Object.fromEntries(
    Object.entries(options)
      .filter(
        ([, value]) => value !== '' && value !== 0 && value !== false && (!Array.isArray(value) || value.length > 0),
      )
      .map(([name, value]) => [snake(name), value]),
  );
}
