import { invalidArgument } from '#base/errors';

const modes = {
  pid: { pattern: /^(?:host|private|container:.+)?$/, words: 'invalid PID mode' },
  ipc: { pattern: /^(?:none|private|shareable|host|container:.+)?$/, words: 'invalid IPC mode' },
  uts: { pattern: /^(?:host|private|container:.+)?$/, words: 'invalid UTS mode' },
  cgroup: { pattern: /^(?:host|private)?$/, words: 'invalid CGROUP mode' },
  user: { pattern: /^(?:host|private|auto|container:.+)?$/, words: 'invalid USER mode' },
} as const;

/** Checks a namespace's mode: see `NamespaceOptions`. @throws invalid_argument in docker's words */
export function parseNamespaceMode(kind: keyof typeof modes, text: string): string {
  const { pattern, words } = modes[kind];
  if (!pattern.test(text)) throw invalidArgument(`${words}: ${text}`);
  return text;
}
