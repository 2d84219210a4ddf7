import { command } from '../globals.ts';

export const pause = command({
  name: 'pause',
  summary: 'pause an existing container',
  args: 'CONTAINER',
  completes: ['tasks'],
  flags: {},
  run: async ({ client, scope }, { args: [id = ''] }) => {
    await client.tasks.pause(scope, id);
    return 0;
  },
});

export const resume = command({
  name: 'resume',
  summary: 'resume a paused container',
  args: 'CONTAINER',
  completes: ['tasks'],
  flags: {},
  run: async ({ client, scope }, { args: [id = ''] }) => {
    await client.tasks.resume(scope, id);
    return 0;
  },
});
