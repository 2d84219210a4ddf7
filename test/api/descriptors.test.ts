import { afterAll, beforeAll, expect, test } from 'bun:test';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import {
  type DescriptorProto,
  type EnumDescriptorProto,
  type FieldDescriptorProto,
  type FileDescriptorProto,
  FileDescriptorSetSchema,
  type ServiceDescriptorProto,
} from '@bufbuild/protobuf/wkt';

// The reference is the interface of containerd 1.6 as Debian packages it for developers.
const gocode = '/usr/share/gocode/src';
const containerd = 'github.com/containerd/containerd';
const ourRoot = join(import.meta.dirname, '../../api');
const scratch = mkdtempSync(join(tmpdir(), 'berth-descriptors-'));
const reference = new Map<string, string>();
const ours = new Map<string, string>();

/** What 1.6 does not have: messages, fields and methods that later versions added to it. */
const additions = new Set<string>();
const addedPackages = [
  'berth.services.engine.v1',
  'berth.services.gc.v1',
  'berth.services.networks.v1',
  'containerd.runtime.bootstrap.v1',
  'containerd.runtime.sandbox.v1',
  'containerd.services.sandbox.v1',
  'containerd.services.mounts.v1',
  'containerd.services.streaming.v1',
  'containerd.services.transfer.v1',
  'containerd.task.v3',
  'containerd.types.transfer',
  'grpc.health.v1',
];
const added: Record<string, string> = {
  'containerd.events.ContentCreate': 'digest size mediaType',
  'containerd.events.SandboxCreate': 'sandbox_id',
  'containerd.events.SandboxExit': 'sandbox_id exit_status exited_at',
  'containerd.events.SandboxStart': 'sandbox_id',
  'containerd.events.SnapshotCommit +': 'snapshotter',
  'containerd.events.SnapshotPrepare +': 'snapshotter',
  'containerd.events.SnapshotRemove +': 'snapshotter',
  'containerd.runc.v1.CheckpointOptions +': 'parent_path',
  'containerd.runc.v1.Options +': 'task_api_address task_api_version',
  'containerd.services.containers.v1.Container +': 'sandbox',
  'containerd.services.diff.v1.ApplyRequest +': 'sync_fs',
  'containerd.services.diff.v1.DiffRequest +': 'source_date_epoch',
  'containerd.services.images.v1.CreateImageRequest +': 'source_date_epoch',
  'containerd.services.images.v1.DeleteImageRequest +': 'target',
  'containerd.services.images.v1.UpdateImageRequest +': 'source_date_epoch',
  'containerd.services.introspection.v1.DeprecationWarning': 'id message last_occurrence',
  'containerd.services.introspection.v1.Introspection +': 'PluginInfo',
  'containerd.services.introspection.v1.PluginInfoRequest': 'type id options',
  'containerd.services.introspection.v1.PluginInfoResponse': 'plugin extra',
  'containerd.services.introspection.v1.ServerResponse +': 'pid pidns deprecations',
  'containerd.services.snapshots.v1.CommitSnapshotRequest +': 'parent',
  'containerd.services.tasks.v1.CreateTaskRequest +': 'task_api_address task_api_version',
  'containerd.types.ActivationInfo': 'name active system labels',
  'containerd.types.ActivationInfo.LabelsEntry': 'key value',
  'containerd.types.ActiveMount': 'mount mounted_at mount_point data',
  'containerd.types.ActiveMount.DataEntry': 'key value',
  'containerd.types.Platform +': 'os_version os_features',
  'containerd.types.RuntimeInfo': 'name version options features annotations',
  'containerd.types.RuntimeInfo.AnnotationsEntry': 'key value',
  'containerd.types.RuntimeRequest': 'runtime_path options',
  'containerd.types.RuntimeVersion': 'version revision',
  'containerd.types.Sandbox': 'sandbox_id runtime spec labels created_at updated_at extensions sandboxer',
  'containerd.types.Sandbox.ExtensionsEntry': 'key value',
  'containerd.types.Sandbox.LabelsEntry': 'key value',
  'containerd.types.Sandbox.Runtime': 'name options',
  'runtimeoptions.v1.Options +': 'config_body',
};

// One message for what 1.6 has under two names; later versions did the same.
const renamed: Record<string, string> = {
  '.containerd.services.events.v1.Envelope': '.containerd.types.Envelope',
  '.containerd.services.events.ttrpc.v1.Envelope': '.containerd.types.Envelope',
};

beforeAll(() => {
  for (const [owner, names] of Object.entries(added)) {
    if (!owner.endsWith(' +')) additions.add(owner);
    for (const name of names.split(' ')) additions.add(`${owner.replace(' +', '')}.${name}`);
  }
  if (!existsSync(join(gocode, containerd, 'api'))) {
    throw new Error('apt-get install golang-github-containerd-containerd-dev golang-github-containerd-cgroups-dev');
  }
  const first = [`${containerd}/api`, `${containerd}/runtime/v2`].flatMap((dir) => protosUnder(gocode, dir));
  const includes = [gocode, join(gocode, 'github.com/gogo/googleapis')];
  describe([...includes, join(gocode, 'github.com/gogo/protobuf')], [...first, 'google/rpc/status.proto'], reference);
  const second = ['github.com/containerd/cgroups/stats', 'github.com/containerd/cgroups/v2'];
  describe(
    [gocode, join(gocode, 'github.com/gogo/protobuf')],
    second.flatMap((dir) => protosUnder(gocode, dir)),
    reference,
  );
  // This one imports gogo.proto under another path, which protoc takes for a second definition.
  describe([gocode], [`${containerd}/pkg/runtimeoptions/v1/api.proto`], reference);
  describe([ourRoot], protosUnder(ourRoot, ''), ours);
});

afterAll(() => rmSync(scratch, { recursive: true }));

test('everything in the interface of containerd 1.6 is in ours with the same name, number, type and label', () => {
  expect(reference.size).toBeGreaterThan(600);
  const wrong = [...reference].filter(([name, shape]) => ours.get(name) !== shape);
  expect(wrong.map(([name, shape]) => `${name}: wanted ${shape}, ours ${ours.get(name)}`)).toEqual([]);
});

test('what ours has beyond that is on the list of additions, and nothing on the list is missing', () => {
  const beyond = [...ours.keys()].filter(
    (name) => !reference.has(name) && !addedPackages.some((prefix) => name.startsWith(`${prefix}.`)),
  );
  expect(beyond.sort()).toEqual([...additions].sort());
});

test('the interface of shims of version 3 is that of version 2', () => {
  const of = (version: string) =>
    [...ours]
      .filter(([name]) => name.startsWith(`containerd.task.${version}.`))
      .map(([name, shape]) => `${name} ${shape}`.replaceAll(`containerd.task.${version}`, 'task'))
      .sort();
  expect(of('v2').length).toBeGreaterThan(80);
  expect(of('v3')).toEqual(of('v2'));
});

function protosUnder(root: string, dir: string): string[] {
  return readdirSync(join(root, dir), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.proto'))
    .map((name) => join(dir, name));
}

/** Adds full name → shape of every message, field, enum, enum value, service and method in the files. */
function describe(includes: readonly string[], files: readonly string[], into: Map<string, string>): void {
  const out = join(scratch, 'set.pb');
  const args = [...includes, '/usr/include'].map((dir) => `-I${dir}`);
  execFileSync('protoc', [...args, `--descriptor_set_out=${out}`, ...files], { stdio: ['ignore', 'ignore', 'pipe'] });
  for (const file of fromBinary(FileDescriptorSetSchema, readFileSync(out)).file) describeFile(file, into);
}

function describeFile(file: FileDescriptorProto, into: Map<string, string>): void {
  for (const message of file.messageType) describeMessage(message, file.package, into);
  for (const each of file.enumType) describeEnum(each, file.package, into);
  for (const service of file.service) describeService(service, file.package, into);
}

function describeMessage(message: DescriptorProto, scope: string, into: Map<string, string>): void {
  const name = renamed[`.${scope}.${message.name}`]?.slice(1) ?? `${scope}.${message.name}`;
  into.set(name, `message${message.options?.mapEntry ? ' map' : ''}`);
  for (const field of message.field) into.set(`${name}.${field.name}`, fieldShape(field));
  for (const nested of message.nestedType) describeMessage(nested, name, into);
  for (const each of message.enumType) describeEnum(each, name, into);
}

function fieldShape(field: FieldDescriptorProto): string {
  return `${field.number} label ${field.label} type ${field.type} ${renamed[field.typeName] ?? field.typeName}`;
}

function describeEnum(each: EnumDescriptorProto, scope: string, into: Map<string, string>): void {
  into.set(`${scope}.${each.name}`, 'enum');
  for (const value of each.value) into.set(`${scope}.${each.name}.${value.name}`, String(value.number));
}

function describeService(service: ServiceDescriptorProto, scope: string, into: Map<string, string>): void {
  into.set(`${scope}.${service.name}`, 'service');
  for (const method of service.method) {
    const side = (streams: boolean, type: string) => `${streams ? 'stream ' : ''}${renamed[type] ?? type}`;
    const shape = `${side(method.clientStreaming, method.inputType)} → ${side(method.serverStreaming, method.outputType)}`;
    into.set(`${scope}.${service.name}.${method.name}`, shape);
  }
}
