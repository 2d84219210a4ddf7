import { invalidArgument } from '#base/errors';

/** The namespace that a parameter belongs to; undefined for one of the whole machine. */
export function namespaceOfSysctl(name: string): 'ipc' | 'network' | 'uts' | undefined {
  if (name.startsWith('net.')) return 'network';
  if (name.startsWith('fs.mqueue.') || ofIpc.has(name)) return 'ipc';
  return name === 'kernel.domainname' ? 'uts' : undefined;
}

const ofIpc = new Set(
  'msgmax msgmnb msgmni sem shmall shmmax shmmni shm_rmid_forced'.split(' ').map((name) => `kernel.${name}`),
);

/** Reads `net.core.somaxconn=1024`. @throws invalid_argument in docker's words for one that no container has to itself */
export function parseSysctl(text: string): readonly [name: string, value: string] {
  const equals = text.indexOf('=');
  const name = text.slice(0, Math.max(equals, 0)).replaceAll('/', '.');
  const isAllowed = /^[a-z0-9_.-]+$/i.test(name) && namespaceOfSysctl(name) !== undefined;
  if (!isAllowed) throw invalidArgument(`sysctl '${text}' is not allowed`);
  return [name, text.slice(equals + 1)];
}
