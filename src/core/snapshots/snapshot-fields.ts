import { absent, type Field, field, mapField } from '#lib/filters/filter';
import type { SnapshotInfo } from './snapshotter.ts';

/** Shows a snapshot to a filter: `name`, `parent`, `kind` and `labels.*`. */
export function snapshotFields(info: SnapshotInfo): (path: readonly string[]) => Field {
  return ([first, ...rest]) => {
    switch (first) {
      case 'name':
        return field(info.name);
      case 'parent':
        return field(info.parent);
      case 'kind':
        return field(info.kind);
      case 'labels':
        return mapField(rest, info.labels);
      default:
        return absent;
    }
  };
}
