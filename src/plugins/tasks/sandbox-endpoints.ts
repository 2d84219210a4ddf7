import { fromBinary } from '@bufbuild/protobuf';
import { OptionsSchema } from '#api/runtime/runc/v1/options_pb';
import type { Any } from '#base/any';
import { invalidArgument, isFault, notFound } from '#base/errors';
import type { NewTask } from '#core/runtime/tasks';
import { defaultSandboxer, type SandboxController, type TaskEndpoint } from '#core/sandboxes/controller';
import type { SandboxStore } from '#core/sandboxes/sandboxes';
import type { Scope } from '#core/scope';

/** Where the tasks of sandboxes are served. */
export class SandboxEndpoints {
  readonly #records: Pick<SandboxStore, 'get'>;
  readonly #controllers: ReadonlyMap<string, Pick<SandboxController, 'status'>>;

  constructor(records: Pick<SandboxStore, 'get'>, controllers: ReadonlyMap<string, Pick<SandboxController, 'status'>>) {
    this.#records = records;
    this.#controllers = controllers;
  }

  /**
   * What the request says, else what its runtime options say (as clients did before there was a field for it), else what the sandbox's controller
   * says. `undefined` where nobody knows: the sandbox may be a task.
   *
   * @throws not_found for a controller that is not there; invalid_argument for options that are none
   */
  async find(
    scope: Scope,
    sandboxId: string,
    { endpoint, options }: Pick<NewTask, 'endpoint' | 'options'>,
  ): Promise<TaskEndpoint | undefined> {
    const given = endpoint ?? endpointIn(options);
    if (given !== undefined) return given;
    const sandboxer = await this.#sandboxerOf(scope, sandboxId);
    const name = sandboxer || defaultSandboxer;
    const controller = this.#controllers.get(name);
    if (controller !== undefined) return (await controller.status(scope, sandboxId, 'brief')).endpoint;
    if (sandboxer === undefined) return undefined;
    throw notFound(`sandbox controller ${JSON.stringify(name)} of sandbox ${sandboxId}`);
  }

  /** A sandbox needs no record to run. */
  async #sandboxerOf(scope: Scope, sandboxId: string): Promise<string | undefined> {
    try {
      return (await this.#records.get(scope, sandboxId)).sandboxer;
    } catch (thrown) {
      if (isFault(thrown, 'not_found')) return undefined;
      throw thrown;
    }
  }
}

function endpointIn(options: Any | undefined): TaskEndpoint | undefined {
  if (options === undefined || !options.typeUrl.endsWith('containerd.runc.v1.Options')) return undefined;
  try {
    const { taskApiAddress, taskApiVersion } = fromBinary(OptionsSchema, options.value);
    return taskApiAddress === '' ? undefined : { address: taskApiAddress, version: taskApiVersion };
  } catch (thrown) {
    throw invalidArgument('runtime options', thrown);
  }
}
