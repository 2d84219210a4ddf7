import { availableParallelism } from 'node:os';
import { isFault, messageOf } from '#base/errors';
import type { Log } from '#base/log';
import { addNetwork, forgetResult, rememberResult, removeNetwork } from '#lib/cni/network';
import { type JsonObject, type NetworkConfig, parseList } from '#lib/cni/network-config';
import type { BuiltinRunner } from './builtin/runner.ts';
import type { Link, NetworkRecord } from './record.ts';

export interface CniRunnerOptions {
  /** Where plugins are looked for. */
  readonly path: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  /** Does the usual chains without the plugins; absent: never. */
  readonly builtin: BuiltinRunner | undefined;
}

/**
 * Runs CNI's plugins, several at once. The first time for a network nothing else runs: the plugins make bridge and chains where they are missing, and two of
 * them at once fail.
 */
export class CniRunner {
  readonly #options: CniRunnerOptions;
  readonly #made = new Set<string>();
  readonly #gate = new Gate(Math.max(2, availableParallelism()));

  constructor(options: CniRunnerOptions) {
    this.#options = options;
  }

  /** @throws the plugin's words; what was done is undone */
  async add(record: Networked, link: Link): Promise<JsonObject> {
    const network = parseList(Buffer.from(link.conflist));
    const made = madeBy(link);
    const first = !this.#made.has(made);
    const quick = await this.#quickly(network, record, link);
    if (quick !== undefined) return quick;
    try {
      const result = await this.#gate.pass(first ? 'alone' : 'shared', () =>
        addNetwork(network, this.#to(record, link)),
      );
      this.#made.add(made);
      return result;
    } catch (thrown) {
      await this.#undo(network, record, link);
      // Rules that others change at the same time: iptables says so in many ways.
      if (first || !messageOf(thrown).includes('iptables')) throw thrown;
      this.#options.log.warn('a network is set up again', { id: record.id, network: network.name, error: thrown });
    }
    try {
      return await this.#gate.pass('alone', () => addNetwork(network, this.#to(record, link)));
    } catch (thrown) {
      await this.#undo(network, record, link);
      throw thrown;
    }
  }

  /** What has gone is no error. @throws the plugin's words, when everything else has been taken down */
  async remove(record: Networked, link: Link): Promise<void> {
    const network = parseList(Buffer.from(link.conflist));
    if (await this.#gone(network, record, link)) return;
    const to = this.#to(record, link);
    try {
      await this.#gate
        .pass('shared', () => removeNetwork(network, to))
        .catch(async (thrown: unknown) => {
          if (isFault(thrown, 'not_found')) throw thrown;
          await this.#gate.pass('alone', () => removeNetwork(network, to)); // rules that others change at the same time
        });
    } catch (thrown) {
      // A program that is not there was never there, or cannot be asked ever again; the others have done theirs.
      if (!isFault(thrown, 'not_found')) throw thrown;
      this.#options.log.warn('a plugin is missing', { id: record.id, network: network.name, error: thrown });
      await forgetResult(network, to);
    }
  }

  /** Undefined where the plugins must do it, after all. */
  async #quickly(network: NetworkConfig, record: Networked, link: Link): Promise<JsonObject | undefined> {
    const { builtin, log } = this.#options;
    if (builtin === undefined || ownPath(record).length > 0 || !(await builtin.ready(link))) return undefined;
    const to = this.#to(record, link);
    try {
      const result = await builtin.add(record, link);
      await rememberResult(network, to, result);
      return result;
    } catch (error) {
      log.debug('the plugins are asked, after all', { id: record.id, network: network.name, error });
      await this.#undo(network, record, link);
      return undefined;
    }
  }

  /** False where the plugins must do it: they pass over what is not there. */
  async #gone(network: NetworkConfig, record: Networked, link: Link): Promise<boolean> {
    const { builtin, log } = this.#options;
    const address = link.interface?.ip ?? '';
    if (address === '' || ownPath(record).length > 0 || builtin?.knows(link) !== true) return false;
    try {
      await builtin.remove(record, link, address);
      await forgetResult(network, this.#to(record, link));
      return true;
    } catch (error) {
      log.debug('the plugins take a network down', { id: record.id, network: network.name, error });
      return false;
    }
  }

  async #undo(network: NetworkConfig, record: Networked, link: Link) {
    await this.remove(record, link).catch((error: unknown) => {
      this.#options.log.error('a network is not taken down', { id: record.id, network: network.name, error });
    });
  }

  #to(record: Networked, link: Link) {
    const { namespace, id, netns } = record;
    const { environment } = this.#options;
    const own = ownPath(record);
    const path = own.length > 0 ? own : this.#options.path;
    return {
      ...{ netns, path, environment },
      containerId: `${namespace}-${id}`,
      ifName: link.ifName,
      capabilities: link.capabilities,
      args: link.args,
    };
  }
}

type Networked = Pick<NetworkRecord, 'namespace' | 'id' | 'netns'> & {
  readonly settings?: Pick<NetworkRecord['settings'], 'network'>;
};

/** Who names plugins means those. */
const ownPath = ({ settings }: Networked): readonly string[] =>
  (settings?.network.cniPath ?? '').split(':').filter((directory) => directory !== '');

/** What must have been made once: ports have chains of their own. */
const madeBy = ({ conflist, capabilities }: Link): string => `${'portMappings' in capabilities} ${conflist}`;

/** Lets so many in at once, or one alone. First come, first served. */
class Gate {
  readonly #places: number;
  #inside = 0;
  #alone = false;
  readonly #waiting: { readonly alone: boolean; readonly enter: () => void }[] = [];

  constructor(places: number) {
    this.#places = places;
  }

  async pass<T>(how: 'alone' | 'shared', work: () => Promise<T>): Promise<T> {
    const turn = Promise.withResolvers<void>();
    this.#waiting.push({ alone: how === 'alone', enter: turn.resolve });
    this.#admit();
    await turn.promise;
    try {
      return await work();
    } finally {
      this.#inside--;
      this.#alone = false;
      this.#admit();
    }
  }

  #admit(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (this.#alone || (next.alone ? this.#inside > 0 : this.#inside >= this.#places)) return;
      this.#waiting.shift();
      this.#inside++;
      this.#alone = next.alone;
      next.enter();
    }
  }
}
