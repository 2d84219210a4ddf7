import type { Performer } from '#client/client';

/** What `--local` says of who performs a transfer; without it, the daemon does where it can. */
export const performerOf = ({ local }: { readonly local: boolean }): { readonly performer?: Performer } =>
  local ? { performer: 'client' } : {};
