import { flag, list, map, number, table, text } from '#base/config';
import { invalidArgument, notFound } from '#base/errors';
import { activatingDiffer } from '#core/diff/activating';
import { Differ } from '#core/diff/diff';
import { orderedDiffer } from '#core/diff/ordered';
import { ImageVerifier } from '#core/images/verifier';
import { Metadata } from '#core/metadata';
import { MountManager } from '#core/mounts/mounts';
import { definePlugin } from '#core/plugin/plugin';
import { every, maybe, one } from '#core/plugin/slot';
import { TransferEngine, type UnpackRule } from '#core/transfer/engine/engine';
import { proxyFrom, Registries } from '#core/transfer/engine/registries';
import { Limiter } from '#core/transfer/limiter';
import { Transfer } from '#core/transfer/transfer';
import { defaultPlatform, formatPlatform, onlyPlatform, parsePlatform } from '#lib/platform';

const usualDirectories = '/etc/containerd/certs.d:/etc/docker/certs.d';

const hostConfig = table({
  auth: table({ username: text(), password: text(), auth: text(), identitytoken: text() }),
  tls: table({ insecure_skip_verify: flag(), ca_file: text(), cert_file: text(), key_file: text() }),
});

const config = table({
  max_concurrent_downloads: number({ default: 3, min: 1, help: 'Blobs fetched at the same time, by all transfers.' }),
  max_concurrent_uploaded_layers: number({
    default: 3,
    min: 1,
    help: 'Blobs sent at the same time, by all transfers.',
  }),
  max_concurrent_unpacks: number({
    default: 4,
    min: 1,
    help: 'Layers unpacked at the same time; more than one needs a snapshotter that can add parents late.',
  }),
  concurrent_layer_fetch_buffer: number({
    min: 0,
    help: 'Bytes of one request when a long layer is fetched by several at once, within max_concurrent_downloads; each may take as much memory. 0: one request for each layer.',
  }),
  default_snapshotter: text({ default: 'overlayfs', help: 'For images that are unpacked without saying where.' }),
  check_platform_supported: flag({ help: 'Refuse rules of unpack_config whose platform this machine does not run.' }),
  unpack_config: list(
    table({
      platform: text({ help: "os/architecture; empty for this machine's." }),
      snapshotter: text({ help: 'Where images of that platform are unpacked when nobody says where.' }),
      differ: text({ help: 'The differ that unpacks for this snapshotter before the others; empty for none.' }),
    }),
    { help: 'What is usual for images of which platform.' },
  ),
  config_path: text({
    help: `Directories with hosts.toml files for registries, separated by colons; empty for ${usualDirectories}.`,
  }),
  registry: table(
    {
      config_path: text({ help: 'The same; counts where the one above is empty.' }),
      mirrors: map(table({ endpoint: list(text()) })),
      configs: map(hostConfig),
      headers: map(list(text())),
    },
    { help: 'What the CRI plugin has under this name, mirrors and credentials of the older kind included.' },
  ),
});

/** Pulls, pushes, imports and exports images within the daemon. */
export default definePlugin({
  slot: Transfer,
  id: 'local',
  config,
  needs: {
    metadata: one(Metadata),
    differs: every(Differ),
    mounts: maybe(MountManager),
    verifiers: every(ImageVerifier),
  },
  start({ config, daemon, log }, { metadata, differs, mounts, verifiers }) {
    const directories = config.config_path || config.registry.config_path || usualDirectories;
    const proxy = proxyFrom(process.env);
    const patience = (of: string, usualMs: number) => daemon.timeout(`io.containerd.timeout.registry.${of}`, usualMs);
    const registries = new Registries({
      directories: directories.split(':').filter((path) => path !== ''),
      mirrors: config.registry,
      userAgent: `containerd/${daemon.version}`,
      ...(proxy !== undefined && { proxy }),
      timeouts: {
        dialTimeoutMs: patience('dial', 30_000),
        responseTimeoutMs: patience('response', 60_000),
        stallTimeoutMs: patience('stall', 30_000),
      },
      log,
    });
    const unpackConfig = config.unpack_config.map((rule): UnpackRule => {
      const platform = rule.platform === '' ? defaultPlatform() : parsePlatform(rule.platform);
      if (config.check_platform_supported && !onlyPlatform(defaultPlatform()).match(platform))
        throw invalidArgument(`unpack_config: this machine does not run ${formatPlatform(platform)}`);
      if (!metadata.snapshotters.has(rule.snapshotter))
        throw notFound(`unpack_config: snapshotter ${JSON.stringify(rule.snapshotter)}`);
      const differ = differs.get(rule.differ);
      if (rule.differ !== '' && differ === undefined)
        throw notFound(`unpack_config: differ ${JSON.stringify(rule.differ)}`);
      const own = differ && activatingDiffer(differ, mounts);
      return { platform, snapshotter: rule.snapshotter, ...(own !== undefined && { differ: own }) };
    });
    const engine = new TransferEngine({
      metadata,
      differ: activatingDiffer(orderedDiffer([...differs.values()]), mounts),
      registries,
      verifiers,
      downloads: new Limiter(config.max_concurrent_downloads),
      uploads: new Limiter(config.max_concurrent_uploaded_layers),
      unpacks: new Limiter(config.max_concurrent_unpacks),
      rangeBytes: config.concurrent_layer_fetch_buffer,
      defaultSnapshotter: config.default_snapshotter,
      unpackConfig,
      alone: true,
      log,
    });
    return Object.assign(engine, { [Symbol.dispose]: () => registries[Symbol.dispose]() });
  },
});
