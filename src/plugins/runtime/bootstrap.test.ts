import { expect, test } from 'bun:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import { BootstrapParamsSchema, BootstrapResultSchema } from '#api/runtime/bootstrap/v1/bootstrap_pb';
import { classOf } from '#base/errors';
import {
  formatBootstrap,
  formatEndpoint,
  generationOf,
  parseBootstrap,
  parseEndpoint,
  type StartParams,
  startInput,
} from './bootstrap.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const address = 'unix:///run/containerd/s/0123abcd';
const proto = (fields: { readonly version: number; readonly address: string; readonly protocol: string }) =>
  toBinary(BootstrapResultSchema, create(BootstrapResultSchema, fields));

test('all three generations of answers are understood', () => {
  expect([
    parseBootstrap(bytes(address)),
    parseBootstrap(bytes(`${address}\n`)),
    parseBootstrap(bytes(`{"version":2,"address":"${address}"}`)),
    parseBootstrap(bytes(`{"version":3,"address":"${address}","protocol":"ttrpc","more":[1]}\n`)),
    parseBootstrap(proto({ version: 2, address, protocol: 'ttrpc' })),
    parseBootstrap(proto({ version: 3, address, protocol: 'ttrpc' })),
  ]).toEqual([2, 2, 2, 3, 2, 3].map((version) => ({ version, address, protocol: 'ttrpc' })));
});

test('what is kept for a later daemon reads back as it was', () => {
  for (const version of [2, 3]) {
    const bootstrap = { version, address, protocol: 'ttrpc' };
    expect(parseBootstrap(bytes(formatBootstrap(bootstrap)))).toEqual(bootstrap);
  }
});

const hostile: Readonly<Record<string, Uint8Array>> = {
  nothing: bytes(''),
  'white space': bytes(' \n\t'),
  'a path without a scheme': bytes('/run/x.sock'),
  'two addresses': bytes(`${address} ${address}`),
  'a log line before it': bytes(`time="…" level=warning msg="x"\n${address}`),
  'half a JSON': bytes(`{"version":3,"address":"${address}`),
  'JSON without an address': bytes('{"version":3}'),
  'JSON with an empty address': bytes('{"version":3,"address":""}'),
  'JSON with a version that is text': bytes(`{"version":"3","address":"${address}"}`),
  'JSON with half a version': bytes(`{"version":2.5,"address":"${address}"}`),
  'JSON of an older version': bytes(`{"version":1,"address":"${address}"}`),
  'JSON with a negative version': bytes(`{"version":-1,"address":"${address}"}`),
  'a version of the future': bytes(`{"version":4,"address":"${address}"}`),
  'JSON over grpc': bytes(`{"version":3,"address":"${address}","protocol":"grpc"}`),
  'a message of the future': proto({ version: 9, address, protocol: 'ttrpc' }),
  'a message without an address': proto({ version: 3, address: '', protocol: 'ttrpc' }),
  'a message cut short': proto({ version: 3, address, protocol: 'ttrpc' }).subarray(0, 20),
  'a message over grpc': proto({ version: 3, address, protocol: 'grpc' }),
  'random bytes': new Uint8Array([8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255]),
  'no text': new Uint8Array([0xff, 0xfe, 0, 0]),
  'deep JSON': bytes('{"a":'.repeat(100_000)),
};
for (const [what, output] of Object.entries(hostile))
  test(`${what} is refused with a short message`, () => {
    let thrown: unknown;
    try {
      parseBootstrap(output);
    } catch (error) {
      thrown = error;
    }
    expect(classOf(thrown)).toBe('invalid_argument');
    expect((thrown as Error).message.length).toBeLessThan(5_000);
  });

test('the generation follows the version that a shim tells', () => {
  const told = {
    'containerd-shim-runc-v2:\n  Version:  1.6.20~ds1\n  Revision: 1\n  Go version: go1.19.8': 'options',
    'x:\n  Version:  v2.2.9\n  Go version: go1.24.1': 'options',
    'x:\n  Version:  v2.3.0-rc.1\n': 'params',
    'x:\n  Version: 3.0.0': 'params',
    'kata shim: id: "io.containerd.kata.v2", version: 3.2.0, commit: 1': 'options',
    '3.0.0': 'options',
    'runsc version release-20240101.0': 'options',
    '': 'options',
  } as const;
  for (const [output, generation] of Object.entries(told))
    expect([output, generationOf(output)]).toEqual([output, generation]);
});

const params: StartParams = {
  namespace: 'default',
  id: 'c1',
  grpcAddress: '/g',
  ttrpcAddress: '/t',
  executable: '/usr/bin/containerd',
  version: '1.7.0',
  debug: true,
};

test('older shims get the options alone, or nothing', () => {
  expect(startInput('options', params)).toEqual(new Uint8Array());
  const options = { typeUrl: 'some.Options', value: bytes('x') };
  expect(fromBinary(AnySchema, startInput('options', { ...params, options }))).toMatchObject(options);
});

test('newer shims get everything in one message', () => {
  const options = { typeUrl: 'some.Options', value: bytes('x') };
  expect(fromBinary(BootstrapParamsSchema, startInput('params', { ...params, options }))).toMatchObject({
    instanceId: 'c1',
    namespace: 'default',
    containerdTtrpcAddress: '/t',
    containerdGrpcAddress: '/g',
    containerdBinary: '/usr/bin/containerd',
    extensions: [{ value: options }],
  });
  expect(fromBinary(BootstrapParamsSchema, startInput('params', params)).extensions).toEqual([]);
});

test('where the tasks of a sandbox are served is told with the protocol, and read again', () => {
  const bootstrap = { version: 3, protocol: 'ttrpc', address: 'unix:///run/containerd/s/a+b' };
  const endpoint = { version: 3, address: 'ttrpc+unix:///run/containerd/s/a+b' };
  expect(formatEndpoint(bootstrap)).toEqual(endpoint);
  expect(parseEndpoint(endpoint)).toEqual(bootstrap);
  for (const address of ['', 'unix:///run/x', '/run/x', 'grpc+vsock://1:2', '+unix:///run/x']) {
    expect(() => parseEndpoint({ address, version: 3 })).toThrow('invalid argument');
  }
  for (const version of [0, 1, 4, 2.5])
    expect(() => parseEndpoint({ ...endpoint, version })).toThrow('invalid argument');
});
