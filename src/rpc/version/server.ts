import { Version } from '#api/services/version/v1/version_pb';
import { defineService, type Service } from '../service.ts';

/** The version service. Clients choose their ways by the version. */
export function serveVersion({ version, revision }: { readonly version: string; readonly revision: string }): Service {
  return defineService(Version, { version: async () => ({ version, revision }) });
}
