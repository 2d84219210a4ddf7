import { afterAll, expect, test } from 'bun:test';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { RuntimeInfoSchema, RuntimeRequestSchema } from '#api/types/introspection_pb';
import { silent } from '#base/log';
import { faultOf } from '#core/subject';
import { pack } from '#rpc/any';
import type { Environment } from './environment.ts';
import { runtimeInfo } from './runtime-info.ts';
import { ShimBinaries } from './shim-binary.ts';

const directory = mkdtempSync('/tmp/berth-runtime-info-');
afterAll(() => rmSync(directory, { recursive: true }));

const binaries = new ShimBinaries(join(directory, 'containerd'), silent);
const limits = { info: 2_000 } as Environment['limits'];
const signal = new AbortController().signal;

/** A shim that runs these lines of shell, and what comes of asking it. */
async function ask(name: string, lines: string, options?: { typeUrl: string; value: Uint8Array<ArrayBuffer> }) {
  const path = join(directory, `containerd-shim-${name}-v1`);
  writeFileSync(path, `#!/bin/sh\n${lines}\n`);
  chmodSync(path, 0o755);
  const question = pack(RuntimeRequestSchema, {
    runtimePath: `io.test.${name}.v1`,
    ...(options !== undefined && { options }),
  });
  const { typeUrl, value } = await runtimeInfo({ binaries, limits }, question, signal);
  expect(typeUrl).toBe('containerd.types.RuntimeInfo');
  return fromBinary(RuntimeInfoSchema, value);
}

test('the program of the shim is asked with -info, and reads the options', async () => {
  // Field 1, three bytes: the name.
  const info = await ask('said', `[ "$*" = -info ] || exit 3; cat >${directory}/stdin; printf '\\n\\003abc'`, {
    typeUrl: 'x.Options',
    value: new Uint8Array([1, 2]),
  });
  expect(info.name).toBe('abc');
  expect(new Uint8Array(readFileSync(join(directory, 'stdin')))).toEqual(
    new Uint8Array([10, 9, ...new TextEncoder().encode('x.Options'), 18, 2, 1, 2]),
  );
});

test('a program that fails, hangs, floods or babbles gives an error with what it said', async () => {
  await expect(ask('old', 'echo flag provided but not defined: -info; exit 1')).rejects.toThrow(/flag provided/);
  expect(await faultOf(ask('hung', 'exec sleep 60'))).toBe('deadline_exceeded');
  await expect(ask('flood', 'exec head -c 9000000 /dev/zero')).rejects.toThrow(/more than is read/);
  await expect(ask('babble', 'echo "{}"')).rejects.toThrow(/something else than a RuntimeInfo/);
});

test('other questions and unknown runtimes are told apart', async () => {
  const asked = (question: { typeUrl: string; value: Uint8Array }) =>
    faultOf(runtimeInfo({ binaries, limits }, question, signal));
  expect(await asked({ typeUrl: 'x.Y', value: new Uint8Array() })).toBe('not_implemented');
  expect(await asked({ typeUrl: 'containerd.types.RuntimeRequest', value: new Uint8Array([255]) })).toBe(
    'invalid_argument',
  );
  expect(await asked(pack(RuntimeRequestSchema, { runtimePath: 'io.test.nobody.v1' }))).toBe('not_found');
  expect(await asked(pack(RuntimeRequestSchema, {}))).toBe('invalid_argument');
});
