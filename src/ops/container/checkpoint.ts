import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { CheckpointOptionsSchema, OptionsSchema } from '#api/runtime/runc/v1/options_pb';
import type { Any } from '#base/any';
import { alreadyExists, invalidArgument, isFault, notFound } from '#base/errors';
import type { Container } from '#core/containers/containers';
import type { Engine } from '../engine.ts';
import { requireSettings } from './change-settings.ts';
import { runningTask } from './task-state.ts';

export interface CheckpointOptions {
  readonly name: string;
  /** Where checkpoints are kept; empty: with the container, with which they go. */
  readonly directory?: string;
  readonly leaveRunning?: boolean;
}

/** Saves a container's processes by CRIU, and ends them unless they are to go on. @throws already_exists; what the runtime says */
export async function createCheckpoint(
  engine: Engine,
  container: Container,
  options: CheckpointOptions,
): Promise<void> {
  const { client, scope } = engine;
  const { name, directory = '', leaveRunning = false } = options;
  await runningTask(engine, container.id);
  const imagePath = pathOf(container, name, directory);
  if (await isThere(imagePath))
    throw alreadyExists(`checkpoint with name ${name} already exists for container ${container.id}`);
  await mkdir(imagePath, { recursive: true, mode: 0o700 });
  const wanted = create(CheckpointOptionsSchema, { exit: !leaveRunning, imagePath });
  const packed = { typeUrl: CheckpointOptionsSchema.typeName, value: toBinary(CheckpointOptionsSchema, wanted) };
  try {
    await client.tasks.checkpoint(scope, container.id, packed);
  } catch (thrown) {
    await rm(imagePath, { recursive: true, force: true });
    throw thrown;
  }
}

/** Their names, in order. */
export async function listCheckpoints(container: Container, directory = ''): Promise<readonly string[]> {
  try {
    const found = await readdir(parentOf(container, directory), { withFileTypes: true });
    return found
      .filter((one) => one.isDirectory())
      .map(({ name }) => name)
      .sort();
  } catch (thrown) {
    if (isFault(thrown, 'not_found')) return [];
    throw thrown;
  }
}

/** @throws not_found */
export async function removeCheckpoint(container: Container, name: string, directory = ''): Promise<void> {
  const path = await existing(container, name, directory);
  await rm(path, { recursive: true });
}

/** What to create a task with so that it goes on where the checkpoint was made. @throws not_found */
export async function checkpointToStart(container: Container, name: string, directory = ''): Promise<Any> {
  const criuImagePath = await existing(container, name, directory);
  const { options } = container.runtime;
  const usual = options === undefined ? create(OptionsSchema) : fromBinary(OptionsSchema, options.value);
  return { typeUrl: OptionsSchema.typeName, value: toBinary(OptionsSchema, { ...usual, criuImagePath }) };
}

async function existing(container: Container, name: string, directory: string): Promise<string> {
  const path = pathOf(container, name, directory);
  if (!(await isThere(path))) throw notFound(`checkpoint ${name} does not exist for container ${container.id}`);
  return path;
}

const parentOf = (container: Container, directory: string): string =>
  directory === '' ? join(requireSettings(container).stateDir, 'checkpoints') : directory;

function pathOf(container: Container, name: string, directory: string): string {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name))
    throw invalidArgument(`Invalid checkpoint ID (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
  return join(parentOf(container, directory), name);
}

async function isThere(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (thrown) {
    if (isFault(thrown, 'not_found')) return false;
    throw thrown;
  }
}
