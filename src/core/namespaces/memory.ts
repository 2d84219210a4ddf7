import { alreadyExists, notFound } from '#base/errors';
import { changedLabels, type Labels, storedLabels } from '#core/labels';
import { checkIdentifier } from '#lib/identifier';
import type { NamespaceStore } from './namespaces.ts';
import { namespaceNotEmpty } from './not-empty.ts';

/** Namespaces that are forgotten with the process. `contents` tells what is still in one, in the words of the error. */
export function memoryNamespaces(contents: (name: string) => readonly string[] = () => []): NamespaceStore {
  const spaces = new Map<string, Labels>();
  const labelsOf = (name: string): Labels => {
    const labels = spaces.get(name);
    if (labels === undefined) throw notFound(`namespace ${JSON.stringify(name)}`);
    return labels;
  };
  return {
    async get(name) {
      checkIdentifier(name);
      return { name, labels: spaces.get(name) ?? {} };
    },
    list: async () =>
      [...spaces].map(([name, labels]) => ({ name, labels })).sort((a, b) => (a.name < b.name ? -1 : 1)),
    async create(namespace) {
      checkIdentifier(namespace.name);
      const labels = storedLabels(namespace.labels);
      if (spaces.has(namespace.name)) throw alreadyExists(`namespace ${JSON.stringify(namespace.name)}`);
      spaces.set(namespace.name, labels);
      return { name: namespace.name, labels };
    },
    async update(namespace, fields = []) {
      checkIdentifier(namespace.name);
      const labels = changedLabels(spaces.get(namespace.name) ?? {}, namespace.labels, fields);
      spaces.set(namespace.name, labels);
      return { name: namespace.name, labels };
    },
    async delete(name) {
      labelsOf(name);
      const left = contents(name);
      if (left.length > 0) throw namespaceNotEmpty(name, left);
      spaces.delete(name);
    },
  };
}
