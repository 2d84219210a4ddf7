import { Mounts } from '#api/services/mounts/v1/mounts_pb';
import { invalidArgument } from '#base/errors';
import type { MountManager } from '#core/mounts/mounts';
import { defineService, type Service } from '../service.ts';
import { fieldsFromWire, mountFromWire } from '../values.ts';
import { activationToWire } from './convert.ts';

/** The mounts service on a manager. */
export function serveMounts(manager: MountManager): Service {
  return defineService(Mounts, {
    activate: async ({ name, mounts, labels, temporary }, { scope }) => {
      const info = await manager.activate(scope, name, mounts.map(mountFromWire), { labels, temporary });
      return { info: activationToWire(info) };
    },
    deactivate: async ({ name }, { scope }) => {
      await manager.deactivate(scope, name);
      return {};
    },
    info: async ({ name }, { scope }) => ({ info: activationToWire(await manager.info(scope, name)) }),
    update: async ({ info, updateMask }, { scope }) => {
      if (info === undefined) throw invalidArgument('info is required');
      const { name, labels } = info;
      return { info: activationToWire(await manager.update(scope, { name, labels }, fieldsFromWire(updateMask))) };
    },
    list: async function* ({ filters }, { scope }) {
      yield (await manager.list(scope, filters)).map((info) => ({ info: activationToWire(info) }));
    },
  });
}
