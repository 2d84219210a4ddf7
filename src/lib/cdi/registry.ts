import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { invalidArgument, messageOf, notFound, wrap } from '#base/errors';
import { type Json, parseBoundedJson } from '../oci/bounded-json.ts';
import type { Spec } from '../oci/spec/spec.ts';
import { withEdits } from './apply-edits.ts';
import { type CdiSpec, readCdiSpec } from './cdi-spec.ts';
import { formatDeviceName, parseDeviceName } from './device-name.ts';

/** Where specifications are, the least important first. */
export const cdiDirectories: readonly string[] = ['/etc/cdi', '/var/run/cdi'];

export interface CdiOptions {
  readonly directories?: readonly string[];
  /** Reads a YAML document. @throws invalid_argument */
  readonly parseYaml: (text: string) => unknown;
}

interface Found {
  readonly path: string;
  readonly priority: number;
  readonly spec: CdiSpec;
}

const maxFileBytes = 4 << 20;
const maxNodes = 200_000;
const maxDepth = 32;

/** The devices that specifications on this machine describe, as they stood when it was opened. */
export class CdiRegistry {
  readonly #devices = new Map<string, readonly Found[]>();
  /** Files that cannot be used, and why. */
  readonly problems: readonly string[];

  private constructor(found: readonly Found[], problems: readonly string[]) {
    this.problems = problems;
    for (const one of found) {
      for (const { name } of one.spec.devices) {
        const full = formatDeviceName({ vendor: one.spec.vendor, class: one.spec.class, name });
        const known = this.#devices.get(full) ?? [];
        const rank = known[0]?.priority ?? -1;
        if (one.priority > rank) this.#devices.set(full, [one]);
        else if (one.priority === rank) this.#devices.set(full, [...known, one]);
      }
    }
  }

  /** Reads all files; one that cannot be used is a problem, and no error as long as nobody asks for its devices. */
  static async open({ directories = cdiDirectories, parseYaml }: CdiOptions): Promise<CdiRegistry> {
    const found: Found[] = [];
    const problems: string[] = [];
    for (const [priority, directory] of directories.entries()) {
      for (const path of await filesIn(directory)) {
        try {
          found.push({ path, priority, spec: readCdiSpec(await documentAt(path, parseYaml), path) });
        } catch (thrown) {
          problems.push(messageOf(thrown));
        }
      }
    }
    return new CdiRegistry(found, problems);
  }

  /** Full names, in order. Those that several files describe are left out. */
  get names(): readonly string[] {
    return [...this.#devices].flatMap(([name, found]) => (found.length === 1 ? [name] : [])).sort();
  }

  /**
   * The spec with these devices in it (`vendor/class=name`): each file's common edits once, then each device's.
   * @throws not_found for a device that no file describes, with what is wrong with files; invalid_argument for one that several do, or a malformed name; as `withEdits`
   */
  async inject(before: Spec, names: readonly string[]): Promise<Spec> {
    let spec = before;
    const begun = new Set<CdiSpec>();
    const chosen = names.map((text) => this.#find(text));
    for (const { found, device } of chosen) {
      try {
        if (!begun.has(found.spec)) spec = await withEdits(spec, found.spec.edits);
        begun.add(found.spec);
        spec = await withEdits(spec, device.edits);
      } catch (thrown) {
        throw wrap(thrown, found.path);
      }
    }
    return spec;
  }

  #find(text: string) {
    const { name } = parseDeviceName(text);
    const [found, ...others] = this.#devices.get(text) ?? [];
    const device = found?.spec.devices.find((one) => one.name === name);
    if (found === undefined || device === undefined) {
      const hint = this.problems.length === 0 ? '' : ` (${this.problems.join('; ')})`;
      throw notFound(`unresolvable CDI device ${text}${hint}`);
    }
    if (others.length > 0)
      throw invalidArgument(
        `CDI device ${text}: described by ${[found, ...others].map(({ path }) => path).join(' and ')}`,
      );
    return { found, device };
  }
}

/** A directory that is not there has none. */
async function filesIn(directory: string): Promise<readonly string[]> {
  const names = await readdir(directory).catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT') return [];
    throw wrap(thrown, directory);
  });
  return names
    .filter((name) => /\.(?:json|yaml)$/.test(name))
    .sort()
    .map((name) => join(directory, name));
}

async function documentAt(path: string, parseYaml: CdiOptions['parseYaml']): Promise<Json> {
  try {
    const found = await stat(path);
    if (!found.isFile()) throw invalidArgument('not a regular file');
    if (found.size > maxFileBytes) throw invalidArgument(`${found.size} bytes, at most ${maxFileBytes}`);
    const bytes = await readFile(path);
    if (path.endsWith('.json')) return parseBoundedJson(bytes, { maxBytes: maxFileBytes, maxDepth });
    return plain(parseYaml(bytes.toString('utf8')), { left: maxNodes }, 0);
  } catch (thrown) {
    throw wrap(thrown, path);
  }
}

/** What YAML gives as JSON has it. A few lines can stand for billions of values, by references to references. */
function plain(value: unknown, budget: { left: number }, depth: number): Json {
  if (budget.left-- <= 0 || depth > maxDepth) throw invalidArgument('YAML: too many or too deep values');
  if (value === null || ['string', 'boolean', 'number'].includes(typeof value)) return value as Json;
  if (Array.isArray(value)) return value.map((one) => plain(one, budget, depth + 1));
  if (typeof value !== 'object') throw invalidArgument(`YAML: a value that JSON does not have`);
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one, budget, depth + 1)]));
}
