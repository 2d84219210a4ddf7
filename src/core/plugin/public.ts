/** What authors of plugins get as `berth/plugin`: how to declare one, the slots that there are, configuration, errors. */
export { duration, flag, list, map, number, oneOf, opaque, table, text } from '#base/config';
export * from '#base/errors';
export type { Log } from '#base/log';
export { ContentStore } from '#core/content/content';
export { Differ } from '#core/diff/diff';
export { Events } from '#core/events/events';
export { Metadata } from '#core/metadata';
export type { Mount } from '#core/mount';
export type { Scope } from '#core/scope';
export { Server } from '#core/servers/server';
export { type SnapshotInfo, type SnapshotOptions, Snapshotter, type Usage } from '#core/snapshots/snapshotter';
export { Transfer } from '#core/transfer/transfer';
export { type AnyPlugin, definePlugin, type PluginContext, pluginName, SkipPlugin } from './plugin.ts';
export { every, maybe, type Need, one, type Slot, slot } from './slot.ts';
