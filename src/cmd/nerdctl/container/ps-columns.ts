import { toMillis } from '#base/timestamp';
import type { ContainerSummary } from '#core/engine/container-summary';
import { ellipsis } from '#lib/display-width';
import { goQuote } from '#lib/go-template/quote';
import { humanAgo, humanSize, shortId } from '#lib/units';
import type { ContainerSize } from '#ops/container/size';
import { familiarOf } from '#ops/image/find';
import type { ListSpec } from '../format/list.ts';
import { localTime } from '../format/local-time.ts';
import { portWords } from './port-words.ts';
import { statusWords } from './status-words.ts';

/** A line of `ps`. */
export interface PsRow extends ContainerSummary {
  /** Where it was asked for. */
  readonly size: ContainerSize | undefined;
}

const usual = ['ID', 'Image', 'Command', 'RunningFor', 'Status', 'Ports', 'Names'];
const tableOf = (names: readonly string[]): string => `table ${names.map((name) => `{{.${name}}}`).join('\\t')}`;

/** docker's list of containers; with `noTrunc` nothing is cut. */
export const psSpec = ({ noTrunc, size }: { readonly noTrunc: boolean; readonly size: boolean }): ListSpec<PsRow> => ({
  type: '*formatter.ContainerContext',
  columns: columns(noTrunc),
  table: tableOf([...usual, ...(size ? ['Size'] : [])]),
  quiet: '{{.ID}}',
  named: {
    wide: tableOf([...usual, 'Runtime', 'Platform', 'Size']),
  },
  labels: ({ labels }) => labels,
});

const columns = (noTrunc: boolean): ListSpec<PsRow>['columns'] => {
  const cut = (text: string, columns: number) => (noTrunc ? text : ellipsis(text, columns));
  return {
    ID: { heading: 'CONTAINER ID', value: ({ id }) => (noTrunc ? id : shortId(id)) },
    Image: { heading: 'IMAGE', value: ({ image }) => imageWords(image, noTrunc) },
    Command: { heading: 'COMMAND', value: ({ command }) => goQuote(cut(command, 20)) },
    CreatedAt: { heading: 'CREATED AT', value: ({ createdAt }) => localTime(toMillis(createdAt)) },
    RunningFor: { heading: 'CREATED', value: ({ createdAt }) => humanAgo(toMillis(createdAt)) },
    Status: { heading: 'STATUS', value: (row) => statusWords(row) },
    State: { heading: 'STATE', value: ({ state }) => state },
    Ports: { heading: 'PORTS', value: ({ ports }) => portWords(ports) },
    Names: { heading: 'NAMES', value: ({ name }) => name },
    Size: { heading: 'SIZE', value: ({ size }) => sizeWords(size) },
    Labels: { heading: 'LABELS', value: ({ labels }) => labelWords(labels) },
    Mounts: {
      heading: 'MOUNTS',
      value: ({ mounts }) =>
        mounts.map(({ name, source, destination }) => cut(name || source || destination, 15)).join(','),
    },
    Networks: { heading: 'NETWORKS', value: networkWords },
    LocalVolumes: {
      heading: 'LOCAL VOLUMES',
      value: ({ mounts }) => String(mounts.filter(({ type, driver }) => type === 'volume' && driver !== '').length),
    },
    Runtime: { heading: 'RUNTIME', value: ({ runtime }) => runtime },
    Platform: { heading: 'PLATFORM', value: ({ platform }) => platform },
  };
};

/** Without the digest that a name may have beside it, as docker does. */
function imageWords(image: string, noTrunc: boolean): string {
  if (image === '') return '<no image>';
  const at = image.indexOf('@');
  const shown = familiarOf(image);
  if (/^(?:sha256:)?[0-9a-f]{64}$/.test(image)) return noTrunc ? image : shortId(image);
  return noTrunc || at < 0 ? shown : (shown.split('@')[0] ?? shown);
}

const sizeWords = (size: ContainerSize | undefined): string =>
  size === undefined ? '0B' : `${humanSize(size.own)} (virtual ${humanSize(size.whole)})`;

const labelWords = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(',');

function networkWords({ networkMode, attachments }: PsRow): string {
  if (networkMode === 'networks') return attachments.map(({ network }) => network).join(',');
  return networkMode === 'host' || networkMode === 'none' ? networkMode : '';
}
