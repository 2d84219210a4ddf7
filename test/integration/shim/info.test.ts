import { expect, test } from 'bun:test';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import { OptionsSchema } from '#api/runtime/runc/v1/options_pb';
import { RuntimeInfoSchema } from '#api/types/introspection_pb';

const shim = join(import.meta.dirname, '../../../dist/bin/containerd-shim-runc-v2');

function ask(binaryName?: string) {
  const options = toBinary(OptionsSchema, create(OptionsSchema, { binaryName: binaryName ?? '' }));
  const any = create(AnySchema, { typeUrl: 'containerd.runc.v1.Options', value: options });
  const input = binaryName === undefined ? new Uint8Array() : toBinary(AnySchema, any);
  return spawnSync(shim, ['-info'], { input, timeout: 60_000 });
}

test('the shim tells its name, its version and the features of the runtime that the options name', () => {
  const { stdout, status } = ask();
  expect(status).toBe(0);
  const info = fromBinary(RuntimeInfoSchema, stdout);
  expect(info).toMatchObject({
    name: 'io.containerd.runc.v2',
    version: { revision: expect.stringContaining('berth') },
  });
  expect(info.features?.typeUrl).toBe('types.containerd.io/opencontainers/runtime-spec/1/features/Features');
  const features = JSON.parse(new TextDecoder().decode(info.features?.value)) as { readonly ociVersionMin: string };
  expect(features.ociVersionMin).toStartWith('1.0');
  // A runtime that knows no `features`: everything else is told.
  const without = fromBinary(RuntimeInfoSchema, ask('/bin/false').stdout);
  expect([without.name, without.features]).toEqual(['io.containerd.runc.v2', undefined]);
  expect(without.options).toMatchObject({ typeUrl: 'containerd.runc.v1.Options' });
});

test('a runtime that is not there is an error with its name', () => {
  const { status, stderr, stdout } = ask('/nowhere/runc');
  expect(status).not.toBe(0);
  expect(`${stdout}${stderr}`).toContain('/nowhere/runc');
});
