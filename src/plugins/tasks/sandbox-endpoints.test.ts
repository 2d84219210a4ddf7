import { expect, test } from 'bun:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { OptionsSchema } from '#api/runtime/runc/v1/options_pb';
import { memorySandboxes } from '#core/sandboxes/memory';
import { memorySandboxController } from '#core/sandboxes/memory-controller';
import { scopeOf } from '#core/scope';
import { faultOf } from '#core/subject';
import { SandboxEndpoints } from './sandbox-endpoints.ts';

const scope = scopeOf('default');
const at = (name: string) => ({ address: `ttrpc+unix:///${name}`, version: 3 });
const options = (value: Uint8Array) => ({ typeUrl: 'containerd.runc.v1.Options', value });

async function subject() {
  const records = memorySandboxes();
  const record = { labels: {}, runtime: { name: 'r' }, extensions: {} };
  for (const [id, sandboxer] of [
    ['plain', ''],
    ['vm', 'kuasar'],
    ['lost', 'nobody'],
  ] as const) {
    await records.create(scope, { ...record, id, sandboxer });
  }
  const controllers = new Map([
    ['shim', memorySandboxController(at('shim'))],
    ['kuasar', memorySandboxController(at('vm'))],
  ]);
  for (const controller of controllers.values()) {
    for (const id of ['plain', 'vm', 'unrecorded']) {
      await controller.create(scope, { ...record, id, sandboxer: '' }, { rootfs: [], netnsPath: '', annotations: {} });
    }
  }
  return new SandboxEndpoints(records, controllers);
}

test("the sandbox's controller is asked; without a record it is the default one", async () => {
  const endpoints = await subject();
  expect(await endpoints.find(scope, 'plain', {})).toEqual(at('shim'));
  expect(await endpoints.find(scope, 'unrecorded', {})).toEqual(at('shim'));
  expect(await endpoints.find(scope, 'vm', {})).toEqual(at('vm'));
  expect(await endpoints.find(scope, 'a-task-perhaps', {})).toBeUndefined();
  expect(await faultOf(endpoints.find(scope, 'lost', {}))).toBe('not_found');
});

test('what a request or its options say goes before', async () => {
  const endpoints = await subject();
  const old = create(OptionsSchema, { taskApiAddress: at('old').address, taskApiVersion: 3 });
  const given = { options: options(toBinary(OptionsSchema, old)) };
  expect(await endpoints.find(scope, 'vm', given)).toEqual(at('old'));
  expect(await endpoints.find(scope, 'vm', { ...given, endpoint: at('new') })).toEqual(at('new'));
  expect(await endpoints.find(scope, 'vm', { options: options(new Uint8Array()) })).toEqual(at('vm'));
  expect(await endpoints.find(scope, 'vm', { options: { typeUrl: 'other', value: Buffer.from([0xff]) } })).toEqual(
    at('vm'),
  );
  expect(await faultOf(endpoints.find(scope, 'vm', { options: options(Buffer.from([0xff])) }))).toBe(
    'invalid_argument',
  );
});
