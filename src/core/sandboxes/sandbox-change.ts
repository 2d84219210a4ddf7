import type { Any } from '#base/any';
import { invalidArgument, wrap } from '#base/errors';
import type { Timestamp } from '#base/timestamp';
import { changedLabels, storedLabels } from '#core/labels';
import { type Adaptor, absent, field, mapField } from '#lib/filters/filter';
import { checkIdentifier } from '#lib/identifier';
import type { NewSandbox, Sandbox } from './sandboxes.ts';

/** What a sandbox store keeps for a new sandbox. @throws invalid_argument */
export function createdSandbox(given: NewSandbox, at: Timestamp): Sandbox {
  try {
    checkIdentifier(given.id);
  } catch (thrown) {
    throw wrap(thrown, 'failed to validate sandbox: invalid sandbox ID');
  }
  return checked({ ...given, labels: storedLabels(given.labels), createdAt: at, updatedAt: at });
}

const everything = ['labels', 'extensions', 'spec', 'runtime'];

/** What it keeps after an update: `fields` as SandboxStore.update has them. @throws invalid_argument */
export function updatedSandbox(current: Sandbox, given: NewSandbox, fields: readonly string[], at: Timestamp): Sandbox {
  if (fields.length === 0 && given.runtime.name !== current.runtime.name) {
    throw invalidArgument('sandbox.Runtime.Name field is immutable');
  }
  let next = current;
  for (const path of fields.length === 0 ? everything : fields) next = changed(next, given, path);
  return checked({ ...next, updatedAt: at });
}

/** A sandbox as filters see it. */
export const sandboxFields =
  ({ id, labels }: Sandbox): Adaptor =>
  ([head, ...rest]) => {
    if (head === 'id') return field(id);
    return head === 'labels' ? mapField(rest, labels) : absent;
  };

function changed(current: Sandbox, given: NewSandbox, path: string): Sandbox {
  if (path === 'labels' || path.startsWith('labels.')) {
    return { ...current, labels: changedLabels(current.labels, given.labels, [path]) };
  }
  if (path.startsWith('extensions.')) {
    const key = path.slice('extensions.'.length);
    const extensions = new Map(Object.entries(current.extensions));
    if (Object.hasOwn(given.extensions, key)) extensions.set(key, given.extensions[key] as Any);
    else extensions.delete(key);
    return { ...current, extensions: Object.fromEntries(extensions) };
  }
  const { spec: _, ...unspecified } = current;
  switch (path) {
    case 'extensions':
      return { ...current, extensions: given.extensions };
    case 'runtime':
      return { ...current, runtime: given.runtime };
    case 'spec':
      return given.spec === undefined ? unspecified : { ...unspecified, spec: given.spec };
    default:
      throw invalidArgument(`cannot update ${JSON.stringify(path)} field on sandbox ${JSON.stringify(current.id)}`);
  }
}

function checked(sandbox: Sandbox): Sandbox {
  if (Object.hasOwn(sandbox.extensions, '')) throw invalidArgument('sandbox.Extensions keys must not be zero-length');
  return sandbox;
}
