import { invalidArgument } from '#base/errors';
import { checkLabels } from '#lib/labels';

/** Labels of an object. A key with an empty value does not exist: storing one deletes the key. */
export type Labels = Readonly<Record<string, string>>;

/**
 * Labels as they are stored: those with a value.
 *
 * @throws invalid_argument for a label over 4096 bytes.
 */
export function storedLabels(given: Labels): Labels {
  checkLabels(given);
  // fromEntries and not assignment: `__proto__` is a label like any other.
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== ''));
}

/**
 * The labels after an update: `fields` holds `<prefix>` (all are replaced) or `<prefix>.<key>`; no fields replace all.
 *
 * @throws invalid_argument for another field, or a label over 4096 bytes.
 */
export function changedLabels(
  current: Labels,
  given: Labels,
  fields: readonly string[] = [],
  prefix = 'labels',
): Labels {
  if (fields.length === 0) return storedLabels(given);
  let labels = new Map(Object.entries(current));
  for (const field of fields) {
    if (field === prefix) labels = new Map(Object.entries(given));
    else if (field.startsWith(`${prefix}.`)) {
      const key = field.slice(prefix.length + 1);
      labels.set(key, Object.hasOwn(given, key) ? (given[key] ?? '') : '');
    } else throw invalidArgument(`cannot update field ${JSON.stringify(field)}`);
  }
  return storedLabels(Object.fromEntries(labels));
}
