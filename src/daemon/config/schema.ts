import { type ConfigOf, duration, list, map, number, oneOf, opaque, table, text } from '#base/config';
import { debugFields, grpcFields, grpcHistogram, metricsFields, ttrpcFields } from '#core/servers/server';
import { newLayout } from './layout.ts';

/** The newest version of the file that is read. */
export const newestVersion = newLayout;
/** The version that `config default`, `dump` and `migrate` write. */
export const writtenVersion = newLayout;

const logLevels = ['', 'panic', 'fatal', 'error', 'warn', 'warning', 'info', 'debug', 'trace'] as const;

const streamProcessor = table({
  accepts: list(text(), { help: 'Media types that it takes.' }),
  returns: text({ help: 'Media type that it makes of them.' }),
  path: text({ help: 'The program.' }),
  args: list(text(), { help: 'Its arguments.' }),
  env: list(text(), { help: "Environment variables, KEY=value, besides the daemon's." }),
});

const proxyPlugin = table({
  type: oneOf(['', 'snapshot', 'content', 'diff', 'sandbox'], { default: '', help: 'What stands at the address.' }),
  address: text({ help: 'Path of its unix socket.' }),
  platform: text({ help: "Platform that it serves, os/architecture; empty for the daemon's." }),
  exports: map(text(), { help: 'Shown to clients in the plugin list.' }),
  capabilities: list(text(), { help: 'Shown to clients in the plugin list.' }),
});

const decoder = (media: string) => ({
  accepts: [`${media}+encrypted`],
  returns: media,
  path: 'ctd-decoder',
  args: ['--decryption-keys-path', '/etc/containerd/ocicrypt/keys'],
  env: ['OCICRYPT_KEYPROVIDER_CONFIG=/etc/containerd/ocicrypt/ocicrypt_keyprovider.conf'],
});

/** How long containerd waits for its store; ours is not waited for. */
export const storeTimeout = 'io.containerd.timeout.bolt.open';

/** `[timeouts]` that the daemon knows, in milliseconds. */
export const defaultTimeouts = {
  [storeTimeout]: 0,
  'io.containerd.timeout.metrics.shimstats': 2000,
  'io.containerd.timeout.shim.cleanup': 5000,
  'io.containerd.timeout.shim.load': 5000,
  'io.containerd.timeout.shim.shutdown': 3000,
  'io.containerd.timeout.task.state': 2000,
} as const;

/** The file but for what belongs to plugins. */
export const topTable = table({
  version: number({ default: writtenVersion, min: 1, max: newestVersion, help: "Version of this file's layout." }),
  root: text({ default: '/var/lib/containerd', help: 'Where everything is kept that outlives a reboot.' }),
  state: text({ default: '/run/containerd', help: 'Where everything is kept that does not.' }),
  temp: text({ help: 'Where a directory for temporary files and mounts is made; empty for below root.' }),
  plugin_dir: text({ help: 'Where containerd looked for Go plugins. Must be empty: see plugin_modules.' }),
  disabled_plugins: list(text(), { help: 'Plugins not to start, as io.containerd.type.v1.id.' }),
  required_plugins: list(text(), { help: 'Plugins without which the daemon does not start.' }),
  plugin_modules: list(text(), { help: 'Paths of TypeScript or JavaScript modules that export a plugin by default.' }),
  oom_score: number({ min: -1000, max: 1000, help: "The daemon's oom_score_adj; 0 leaves it alone." }),
  imports: list(text(), { help: 'Further files; relative to this one, with * and ?.' }),
  grpc: table(grpcFields),
  ttrpc: table(ttrpcFields),
  debug: table({
    ...debugFields,
    level: oneOf(logLevels, { default: '', help: 'How much to log: info when empty.' }),
    format: oneOf(['', 'text', 'json'], { default: '', help: 'Form of the log: text when empty.' }),
  }),
  metrics: table({ ...metricsFields, grpc_histogram: grpcHistogram }),
  cgroup: table({ path: text({ help: 'Control group that the daemon puts itself into; empty for none.' }) }),
  timeouts: map(duration(), {
    help: 'How long the daemon waits for what.',
    default: defaultTimeouts,
  }),
  stream_processors: map(streamProcessor, {
    help: 'Programs that turn one media type of a layer into another.',
    default: {
      'io.containerd.ocicrypt.decoder.v1.tar': decoder('application/vnd.oci.image.layer.v1.tar'),
      'io.containerd.ocicrypt.decoder.v1.tar.gzip': decoder('application/vnd.oci.image.layer.v1.tar+gzip'),
    },
  }),
  proxy_plugins: map(proxyPlugin, { help: 'Snapshotters and stores that run in other processes.' }),
  plugins: opaque({ help: "Every plugin's own table." }),
});

export type TopConfig = ConfigOf<typeof topTable>;
export type ProxyPluginConfig = ConfigOf<typeof proxyPlugin>;
