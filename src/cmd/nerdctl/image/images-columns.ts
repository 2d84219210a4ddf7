import { humanAgo, humanSize, shortId } from '#lib/units';
import type { ImageSummary } from '#ops/image/list';
import type { ListSpec } from '../format/list.ts';
import { localTime } from '../format/local-time.ts';

/** docker's list of images. */
export function imagesSpec({
  noTrunc,
  digests,
  names,
}: {
  readonly noTrunc: boolean;
  readonly digests: boolean;
  readonly names: boolean;
}): ListSpec<ImageSummary> {
  const head = names ? ['Name'] : ['Repository', 'Tag'];
  const usual = [...head, ...(digests ? ['Digest'] : []), 'ID', 'CreatedSince'];
  return {
    type: '*formatter.imageContext',
    columns: columns(noTrunc),
    table: tableOf([...usual, 'Size']),
    quiet: '{{.ID}}',
    named: { wide: tableOf([...usual, 'Platform', 'Size', 'BlobSize']) },
    labels: ({ labels }) => labels,
  };
}

const tableOf = (names: readonly string[]): string => `table ${names.map((name) => `{{.${name}}}`).join('\\t')}`;

const columns = (noTrunc: boolean): ListSpec<ImageSummary>['columns'] => ({
  ID: { heading: 'IMAGE ID', value: ({ id }) => (noTrunc ? id : shortId(id)) },
  Name: { heading: 'NAME', value: ({ image }) => image.name },
  Repository: { heading: 'REPOSITORY', value: ({ repository }) => repository || '<none>' },
  Tag: { heading: 'TAG', value: ({ tag }) => tag || '<none>' },
  Digest: { heading: 'DIGEST', value: ({ id }) => id },
  CreatedSince: {
    heading: 'CREATED',
    value: ({ createdAt }) => (createdAt === undefined ? 'N/A' : humanAgo(createdAt.getTime())),
  },
  CreatedAt: {
    heading: 'CREATED AT',
    value: ({ createdAt }) => (createdAt === undefined ? 'N/A' : localTime(createdAt.getTime())),
  },
  Platform: { heading: 'PLATFORM', value: ({ platform }) => platform },
  Size: { heading: 'SIZE', value: ({ size }) => humanSize(size) },
  BlobSize: { heading: 'BLOB SIZE', value: ({ contentSize }) => humanSize(contentSize) },
  VirtualSize: { heading: 'SIZE', value: ({ size }) => humanSize(size, 4) },
  // What docker shows of images without counting, too.
  Containers: { heading: 'CONTAINERS', value: () => 'N/A' },
  SharedSize: { heading: 'SHARED SIZE', value: () => 'N/A' },
  UniqueSize: { heading: 'UNIQUE SIZE', value: () => 'N/A' },
});
