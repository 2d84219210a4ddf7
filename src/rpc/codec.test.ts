import { expect, test } from 'bun:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { ContainerSchema, ListContainerMessageSchema } from '#api/services/containers/v1/containers_pb';
import { ReadContentResponseSchema } from '#api/services/content/v1/content_pb';
import { decoderOf, type Encoded, encoderOf } from './codec.ts';

test('what is encoded with its bytes last is the message that it was', () => {
  for (const size of [0, 1, 2047, 2048, 5000, 100_000]) {
    const value = new Uint8Array(size).map((_, i) => i * 7);
    const content = create(ReadContentResponseSchema, { offset: 5n, data: value });
    expect(decoderOf(ReadContentResponseSchema)(bytesOf(encoderOf(ReadContentResponseSchema)(content)))).toEqual(
      content,
    );
    for (const typeUrl of ['', 'types.containerd.io/x']) {
      const container = create(ContainerSchema, {
        id: 'a',
        labels: { b: 'c' },
        snapshotKey: 'd',
        spec: { typeUrl, value },
        extensions: { e: { typeUrl: 'f', value: new Uint8Array([1]) } },
      });
      const carried = create(ListContainerMessageSchema, { container });
      const bytes = bytesOf(encoderOf(ListContainerMessageSchema)(carried));
      expect(decoderOf(ListContainerMessageSchema)(bytes)).toEqual(carried);
      expect(bytes.byteLength).toBe(toBinary(ListContainerMessageSchema, carried).byteLength);
    }
  }
  const none = create(ListContainerMessageSchema, {});
  expect(decoderOf(ListContainerMessageSchema)(bytesOf(encoderOf(ListContainerMessageSchema)(none)))).toEqual(none);
});

/** As grpc-js takes them. */
function bytesOf(encoded: Encoded): Uint8Array {
  const bytes = Buffer.alloc(encoded.byteLength + 5);
  encoded.copy(bytes, 5);
  return new Uint8Array(bytes.subarray(5));
}
