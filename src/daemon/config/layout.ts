import { isTable, type Raw, type RawTable, type Table, table } from '#base/config';
import { debugFields, grpcFields, grpcHistogram, metricsFields, ttrpcFields } from '#core/servers/server';
import { tableAt } from './files.ts';
import { deepMerge } from './merge.ts';

/**
 * Version 4 of the file made plugins of the listeners, which versions 1 to 3 have at its top. Inside the daemon they stand at the top;
 * what is printed has version 4's form.
 */
export const newLayout = 4;

const names = {
  grpc: 'io.containerd.server.v1.grpc',
  tcp: 'io.containerd.server.v1.grpc-tcp',
  ttrpc: 'io.containerd.server.v1.ttrpc',
  debug: 'io.containerd.server.v1.debug',
  metrics: 'io.containerd.server.v1.metrics',
  histogram: 'io.containerd.metrics.v1.grpc-prometheus',
} as const;

const { tcp_address, tcp_tls_ca, tcp_tls_cert, tcp_tls_key, tcp_tls_common_name, ...grpcSocket } = grpcFields;

/** The listeners' tables as version 4 has them. */
export const listenerTables: Readonly<Record<string, Table<unknown>>> = {
  [names.grpc]: table(grpcSocket),
  [names.tcp]: table({
    address: tcp_address,
    tls_ca: tcp_tls_ca,
    tls_cert: tcp_tls_cert,
    tls_key: tcp_tls_key,
    tls_common_name: tcp_tls_common_name,
  }),
  [names.ttrpc]: table(ttrpcFields),
  [names.debug]: table(debugFields),
  [names.metrics]: table(metricsFields),
  [names.histogram]: table({ grpc_histogram: grpcHistogram }),
};

const tcpKey = (key: string): string => (key.startsWith('max_') ? key : `tcp_${key}`);

/** Listeners to the top. One whose plugin is disabled has no address; the socket of the API cannot be. */
export function fromNewLayout(raw: RawTable): RawTable {
  const plugins: Record<string, Raw> = { ...tableAt(raw, 'plugins') };
  const disabled = Array.isArray(raw.disabled_plugins) ? raw.disabled_plugins : [];
  const moved: Record<string, Raw> = {};
  const take = (name: string, to: string, rename: (key: string) => string = (key) => key) => {
    const given = plugins[name];
    if (!isTable(given)) return;
    delete plugins[name];
    if (disabled.includes(name) && name !== names.grpc) return;
    moved[to] = deepMerge(
      moved[to],
      Object.fromEntries(Object.entries(given).map(([key, value]) => [rename(key), value])),
    );
  };
  // Both have one limit for messages here: the socket's, if it says one.
  take(names.tcp, 'grpc', tcpKey);
  take(names.grpc, 'grpc');
  take(names.ttrpc, 'ttrpc');
  take(names.debug, 'debug');
  take(names.metrics, 'metrics');
  take(names.histogram, 'metrics');
  return deepMerge({ ...raw, plugins }, moved) as RawTable;
}

/** The inverse. */
export function toNewLayout({
  grpc = {},
  ttrpc = {},
  debug = {},
  metrics = {},
  plugins = {},
  ...rest
}: RawTable): RawTable {
  const { level = '', format = '', ...debugListener } = debug as RawTable;
  const { grpc_histogram = false, ...metricsListener } = metrics as RawTable;
  const [socket, tcp]: Record<string, Raw>[] = [{}, {}];
  for (const [key, value] of Object.entries(grpc as RawTable)) {
    if (key.startsWith('tcp_')) (tcp as Record<string, Raw>)[key.slice('tcp_'.length)] = value;
    else (socket as Record<string, Raw>)[key] = value;
  }
  const listeners = {
    [names.grpc]: socket,
    [names.tcp]: tcp,
    [names.ttrpc]: ttrpc,
    [names.debug]: debugListener,
    [names.metrics]: metricsListener,
    [names.histogram]: { grpc_histogram },
  } as RawTable;
  const all = { ...(plugins as RawTable), ...listeners };
  const sorted = Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1)));
  return { ...rest, debug: { level, format }, plugins: sorted };
}
