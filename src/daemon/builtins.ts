import type { AnyPlugin } from '#core/plugin/plugin';
import containerFiles from '#plugins/container-files/container-files';
import content from '#plugins/content/content';
import walkingDiffer from '#plugins/diff/walking';
import diffService from '#plugins/diff-service';
import eventHistory from '#plugins/event-history/event-history';
import exchange from '#plugins/events/exchange';
import scheduler from '#plugins/gc';
import health from '#plugins/health/health';
import imageVerifier from '#plugins/image-verifier/bindir';
import lifecycle from '#plugins/lifecycle/lifecycle';
import metadata from '#plugins/metadata/metadata';
import cgroups from '#plugins/monitor/cgroups';
import loopMounts from '#plugins/mounts/loop';
import mounts from '#plugins/mounts/mounts';
import networkAttendant from '#plugins/network/attendant';
import networks from '#plugins/network/network';
import opt from '#plugins/opt';
import restart from '#plugins/restart/restart';
import sandboxController from '#plugins/runtime/sandboxes/controller';
import task from '#plugins/runtime/task';
import sandboxStore from '#plugins/sandbox-store';
import debugServer from '#plugins/servers/debug/debug';
import grpcServer from '#plugins/servers/grpc/grpc';
import metricsServer from '#plugins/servers/metrics/metrics';
import ttrpcServer from '#plugins/servers/ttrpc/ttrpc';
import containersService from '#plugins/services/containers';
import contentService from '#plugins/services/content';
import diffGrpc from '#plugins/services/diff';
import engineService from '#plugins/services/engine';
import eventsService from '#plugins/services/events';
import gcService from '#plugins/services/gc';
import healthcheckService from '#plugins/services/healthcheck';
import imagesService from '#plugins/services/images';
import introspectionService from '#plugins/services/introspection';
import leasesService from '#plugins/services/leases';
import mountsService from '#plugins/services/mounts';
import namespacesService from '#plugins/services/namespaces';
import networksService from '#plugins/services/networks';
import sandboxControllersService from '#plugins/services/sandbox-controllers';
import sandboxesService from '#plugins/services/sandboxes';
import snapshotsService from '#plugins/services/snapshots';
import streamingService from '#plugins/services/streaming';
import tasksGrpc from '#plugins/services/tasks';
import transferService from '#plugins/services/transfer';
import versionService from '#plugins/services/version';
import sharedNamespaces from '#plugins/shared-namespaces/shared-namespaces';
import aufs from '#plugins/snapshots/aufs';
import btrfs from '#plugins/snapshots/btrfs/btrfs';
import devmapper from '#plugins/snapshots/devmapper';
import native from '#plugins/snapshots/native/native';
import overlayfs from '#plugins/snapshots/overlayfs/overlayfs';
import zfs from '#plugins/snapshots/zfs';
import streams from '#plugins/streaming/manager';
import tasksService from '#plugins/tasks/tasks';
import otlp from '#plugins/tracing/otlp';
import tracing from '#plugins/tracing/tracing';
import transfer from '#plugins/transfer/transfer';

/** What the daemon is made of. The order is that of the plugin list, as far as needs leave it free. */
export const builtins: readonly AnyPlugin[] = [
  content,
  aufs,
  btrfs,
  devmapper,
  native,
  overlayfs,
  zfs,
  exchange,
  metadata,
  walkingDiffer,
  scheduler,
  diffService,
  loopMounts,
  mounts,
  task,
  sandboxController,
  sandboxStore,
  networks,
  networkAttendant,
  sharedNamespaces,
  tasksService,
  cgroups,
  opt,
  otlp,
  tracing,
  eventHistory,
  lifecycle,
  health,
  restart,
  streams,
  containerFiles,
  imageVerifier,
  transfer,
  introspectionService,
  containersService,
  contentService,
  diffGrpc,
  eventsService,
  engineService,
  gcService,
  healthcheckService,
  imagesService,
  leasesService,
  mountsService,
  namespacesService,
  networksService,
  sandboxControllersService,
  sandboxesService,
  snapshotsService,
  streamingService,
  tasksGrpc,
  transferService,
  versionService,
  debugServer,
  metricsServer,
  ttrpcServer,
  grpcServer,
];
