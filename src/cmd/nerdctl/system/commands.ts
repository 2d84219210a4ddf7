import df from './df.ts';
import events from './events.ts';
import info from './info.ts';
import prune from './prune.ts';

/** All commands of `nerdctl system`. */
export default [
  df('df', 'show what takes room'),
  events('events', 'show what happens, as it happens'),
  info('info', 'show what there is'),
  prune('prune', 'remove what nobody needs'),
];
