import { expect, test } from 'bun:test';
import { restartLabels } from '#core/engine/restart-labels';
import { changeFor, isRevoked, type Present, restartCount } from './restart-policy.ts';

const gone: Present = { status: 'absent', exitStatus: 0 };
const failed: Present = { status: 'stopped', exitStatus: 3 };
const ended: Present = { status: 'stopped', exitStatus: 0 };
const wish = (status: string, policy = '', more: Readonly<Record<string, string>> = {}) => ({
  [restartLabels.status]: status,
  [restartLabels.policy]: policy,
  ...more,
});

test.each([
  ['no wish', {}, failed, 'none'],
  ['always is the default', wish('running'), ended, 'start'],
  ['a task that is missing', wish('running', 'always'), gone, 'start'],
  ['a task that runs', wish('running', 'always'), { status: 'running', exitStatus: 0 }, 'none'],
  ['a paused task', wish('running', 'always'), { status: 'paused', exitStatus: 0 }, 'none'],
  ['a task that a client has just created', wish('running', 'always'), { status: 'created', exitStatus: 0 }, 'none'],
  ['failed, on-failure', wish('running', 'on-failure'), failed, 'start'],
  ['ended well, on-failure', wish('running', 'on-failure'), ended, 'none'],
  ['failed often enough', wish('running', 'on-failure:2', { [restartLabels.count]: '2' }), failed, 'none'],
  ['failed less often', wish('running', 'on-failure:2', { [restartLabels.count]: '1' }), failed, 'start'],
  ['unless-stopped, not stopped', wish('running', 'unless-stopped'), ended, 'start'],
  [
    'unless-stopped, stopped',
    wish('running', 'unless-stopped', { [restartLabels.explicitlyStopped]: 'true' }),
    ended,
    'none',
  ],
  ['a policy of tomorrow', wish('running', 'sometimes'), failed, 'none'],
  ['wanted stopped and runs', wish('stopped'), { status: 'running', exitStatus: 0 }, 'stop'],
  ['wanted stopped and is', wish('stopped'), ended, 'none'],
] as const)('%s', (_, labels, present, change) => {
  expect(changeFor(labels, present)).toBe(change);
});

test('a count that is none is 0', () => {
  expect([
    restartCount({}),
    restartCount({ [restartLabels.count]: 'x' }),
    restartCount({ [restartLabels.count]: '-3' }),
  ]).toEqual([0, 0, 0]);
});

const stopped = { [restartLabels.explicitlyStopped]: 'true' };

test.each([
  ['always', false, 'none'],
  ['always', true, 'start'],
  ['unless-stopped', true, 'none'],
  ['on-failure', false, 'none'],
  ['on-failure:5', true, 'none'],
] as const)('stopped by its user, %s, the daemon just begun: %p', (policy, beginning, change) => {
  expect(changeFor(wish('running', policy, stopped), failed, { managed: true, beginning })).toBe(change);
});

test('a start is revoked by a stop, where its user is heard', () => {
  const ours = { managed: true, beginning: false };
  const others = { managed: false, beginning: false };
  expect(isRevoked(wish('running', 'always', stopped), ours)).toBe(true);
  expect(isRevoked(wish('running', 'always', stopped), others)).toBe(false);
  expect(isRevoked(wish('running', 'unless-stopped', stopped), others)).toBe(true);
  expect(isRevoked(wish('stopped'), others)).toBe(true);
  expect(isRevoked(wish('running'), ours)).toBe(false);
});
