import { berthVersion } from '#base/version';
import { group, type Program } from '../cli/command.ts';
import { completionCommand } from '../cli/completion-command.ts';
import { namesCommand } from '../cli/names-command.ts';
import checkpointContainer from './containers/checkpoint.ts';
import createContainer from './containers/create.ts';
import deleteContainer from './containers/delete.ts';
import containerInfo from './containers/info.ts';
import labelContainer from './containers/label.ts';
import listContainers from './containers/list.ts';
import restoreContainer from './containers/restore.ts';
import activeContent from './content/active.ts';
import deleteContent from './content/delete.ts';
import editContent from './content/edit.ts';
import fetchContent from './content/fetch.ts';
import fetchBlob from './content/fetch-blob.ts';
import fetchObject from './content/fetch-object.ts';
import getContent from './content/get.ts';
import ingestContent from './content/ingest.ts';
import labelContent from './content/label.ts';
import listContent from './content/list.ts';
import { pruneReferences } from './content/prune.ts';
import pushObject from './content/push-object.ts';
import whyContent from './content/why.ts';
import listDeprecations from './deprecations/list.ts';
import events from './events.ts';
import { globals } from './globals.ts';
import checkImages from './images/check.ts';
import convertImage from './images/convert.ts';
import decryptImage from './images/decrypt.ts';
import deleteImage from './images/delete.ts';
import encryptImage from './images/encrypt.ts';
import exportImage from './images/export.ts';
import importImage from './images/import.ts';
import inspectImage from './images/inspect.ts';
import labelImage from './images/label.ts';
import listImages from './images/list.ts';
import mount from './images/mount.ts';
import pruneImages from './images/prune.ts';
import pullImage from './images/pull.ts';
import pushImage from './images/push.ts';
import tagImage from './images/tag.ts';
import unmount from './images/unmount.ts';
import imageUsage from './images/usage.ts';
import whyImage from './images/why.ts';
import info from './info.ts';
import install from './install.ts';
import createLease from './leases/create.ts';
import deleteLease from './leases/delete.ts';
import listLeases from './leases/list.ts';
import whyLease from './leases/why.ts';
import { namesOf } from './names.ts';
import createNamespace from './namespaces/create.ts';
import labelNamespace from './namespaces/label.ts';
import listNamespaces from './namespaces/list.ts';
import removeNamespace from './namespaces/remove.ts';
import defaultSpec from './oci/spec.ts';
import inspectRuntime from './plugins/inspect-runtime.ts';
import listPlugins from './plugins/list.ts';
import { pprof } from './pprof/pprof.ts';
import run from './run/run.ts';
import listSandboxes from './sandboxes/list.ts';
import removeSandboxes from './sandboxes/remove.ts';
import runSandbox from './sandboxes/run.ts';
import { shimFlags } from './shim/connection.ts';
import deleteShim from './shim/delete.ts';
import execShim from './shim/exec.ts';
import { shimPprof } from './shim/pprof.ts';
import shutdownShim from './shim/shutdown.ts';
import startShim from './shim/start.ts';
import shimState from './shim/state.ts';
import commitSnapshot from './snapshots/commit.ts';
import deleteSnapshot from './snapshots/delete.ts';
import diffSnapshots from './snapshots/diff.ts';
import snapshotInfo from './snapshots/info.ts';
import labelSnapshot from './snapshots/label.ts';
import listSnapshots from './snapshots/list.ts';
import { prepare, view } from './snapshots/make.ts';
import snapshotMounts from './snapshots/mounts.ts';
import { snapshotFlags } from './snapshots/session.ts';
import snapshotTree from './snapshots/tree.ts';
import unpackSnapshot from './snapshots/unpack.ts';
import snapshotUsage from './snapshots/usage.ts';
import whySnapshot from './snapshots/why.ts';
import attach from './tasks/attach.ts';
import checkpoint from './tasks/checkpoint.ts';
import deleteTask from './tasks/delete.ts';
import exec from './tasks/exec.ts';
import kill from './tasks/kill.ts';
import listTasks from './tasks/list.ts';
import metrics from './tasks/metrics.ts';
import { pause, resume } from './tasks/pause.ts';
import ps from './tasks/ps.ts';
import start from './tasks/start.ts';
import version from './version.ts';

/** The command tree: what `--help` shows is in this order. */
export const ctr: Program = {
  name: 'ctr',
  banner: '',
  version: berthVersion.version,
  description:
    'A client for Berth and containerd, for looking inside and trying things out. It speaks the API as it is.',
  globals,
  commands: [
    group('plugins', 'provides information about containerd plugins', [listPlugins, inspectRuntime], {
      aliases: ['plugin'],
    }),
    version,
    group(
      'containers',
      'manage containers',
      [
        createContainer,
        deleteContainer,
        containerInfo,
        listContainers,
        labelContainer,
        checkpointContainer,
        restoreContainer,
      ],
      { aliases: ['c', 'container'] },
    ),
    group('content', 'manage content', [
      activeContent,
      deleteContent,
      editContent,
      fetchContent,
      fetchObject,
      fetchBlob,
      getContent,
      ingestContent,
      listContent,
      pushObject,
      labelContent,
      group('prune', 'prunes content from the content store', [pruneReferences]),
      whyContent,
    ]),
    events,
    group(
      'images',
      'manage images',
      [
        checkImages,
        exportImage,
        importImage,
        inspectImage,
        listImages,
        mount,
        unmount,
        pullImage,
        pushImage,
        pruneImages,
        deleteImage,
        tagImage,
        labelImage,
        convertImage,
        decryptImage,
        encryptImage,
        imageUsage,
        whyImage,
      ],
      {
        aliases: ['image', 'i'],
      },
    ),
    group('leases', 'manage leases', [listLeases, createLease, deleteLease, whyLease]),
    group('namespaces', 'manage namespaces', [createNamespace, listNamespaces, removeNamespace, labelNamespace], {
      aliases: ['namespace', 'ns'],
    }),
    run,
    group(
      'snapshots',
      'manage snapshots',
      [
        commitSnapshot,
        diffSnapshots,
        snapshotInfo,
        listSnapshots,
        snapshotMounts,
        prepare,
        deleteSnapshot,
        labelSnapshot,
        snapshotTree,
        unpackSnapshot,
        snapshotUsage,
        view,
        whySnapshot,
      ],
      { aliases: ['snapshot'], flags: snapshotFlags },
    ),
    group(
      'tasks',
      'manage tasks',
      [attach, checkpoint, deleteTask, exec, listTasks, kill, pause, ps, resume, start, metrics],
      { aliases: ['t', 'task'] },
    ),
    install,
    group('oci', 'OCI tools', [defaultSpec]),
    pprof,
    group('sandboxes', 'manage sandboxes', [runSandbox, listSandboxes, removeSandboxes], {
      aliases: ['sandbox', 'sb', 's'],
    }),
    info,
    group('deprecations', 'what is in use that goes away one day', [listDeprecations]),
    group(
      'shim',
      'interact with a shim directly',
      [deleteShim, execShim, startShim, shimState, shutdownShim, shimPprof],
      { flags: shimFlags },
    ),
    completionCommand('ctr', () => ctr),
    namesCommand(() => ctr, namesOf),
  ],
};
