import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isFault } from '#base/errors';
import type { ContainerSettings, NetworkAttachment, PortMapping } from '#core/engine/container-settings';
import type { NetworkInterface } from '#core/engine/network-state';
import type { JsonObject } from '#lib/cni/network-config';
import { isIdentifier } from '#lib/identifier';

/** What has been, or is just being, done for a container: enough to undo it, for whoever comes after a crash. */
export interface NetworkRecord {
  readonly namespace: string;
  readonly id: string;
  /** Path of the mount that keeps the network namespace. */
  readonly netns: string;
  /** All of it was done; false while it is under way. */
  readonly ready: boolean;
  readonly settings: SettingsInUse;
  readonly links: readonly Link[];
  readonly ports: readonly PortMapping[];
}

export type SettingsInUse = Pick<
  ContainerSettings,
  'name' | 'stateDir' | 'dataStore' | 'hostname' | 'domainname' | 'network'
>;

/** Being linked to one network. */
export interface Link {
  readonly attachment: NetworkAttachment;
  readonly ifName: string;
  /** The network as it was when the link was made: it may have been changed or removed since. */
  readonly conflist: string;
  readonly capabilities: JsonObject;
  readonly args: string;
  /** Absent until the plugins have answered. */
  readonly interface?: NetworkInterface;
  /** Where names of this network are answered for; empty when nowhere. */
  readonly nameServer: string;
}

/** Records on disk, one file a container. They survive a reboot, as the addresses that CNI's plugins have noted do. */
export class Records {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async write(record: NetworkRecord): Promise<void> {
    const path = this.#path(record);
    await writeFile(`${path}.new`, JSON.stringify(record), { mode: 0o600 });
    await rename(`${path}.new`, path);
  }

  async remove(record: Pick<NetworkRecord, 'namespace' | 'id'>): Promise<void> {
    await rm(this.#path(record), { force: true });
  }

  /** All that are left from before. One that was not finished, or is none, is left out, and removed. */
  async all(): Promise<readonly NetworkRecord[]> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const found: NetworkRecord[] = [];
    for (const name of await readdir(this.#directory)) {
      const path = join(this.#directory, name);
      const record = name.endsWith('.json') ? await readRecord(path) : undefined;
      if (record === undefined) await rm(path, { recursive: true, force: true });
      else found.push(record);
    }
    return found;
  }

  #path({ namespace, id }: Pick<NetworkRecord, 'namespace' | 'id'>): string {
    return join(this.#directory, `${namespace}-${id}.json`);
  }
}

async function readRecord(path: string): Promise<NetworkRecord | undefined> {
  try {
    const found: unknown = JSON.parse(await readFile(path, 'utf8'));
    return isRecord(found) ? found : undefined;
  } catch (thrown) {
    if (thrown instanceof SyntaxError || isFault(thrown, 'not_found')) return undefined;
    if ((thrown as NodeJS.ErrnoException).code === 'EISDIR') return undefined;
    throw thrown;
  }
}

/** As far as its undoing rests on it. */
function isRecord(value: unknown): value is NetworkRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { namespace, id, netns, settings, links, ports } = value as Partial<Record<keyof NetworkRecord, unknown>>;
  return (
    [namespace, id].every((one) => typeof one === 'string' && isIdentifier(one)) &&
    typeof netns === 'string' &&
    typeof settings === 'object' &&
    settings !== null &&
    Array.isArray(ports) &&
    Array.isArray(links) &&
    links.every(isLink)
  );
}

function isLink(value: unknown): value is Link {
  if (typeof value !== 'object' || value === null) return false;
  const { ifName, conflist, attachment, capabilities } = value as Partial<Record<keyof Link, unknown>>;
  return (
    [ifName, conflist].every((one) => typeof one === 'string') &&
    [attachment, capabilities].every((one) => typeof one === 'object' && one !== null)
  );
}
