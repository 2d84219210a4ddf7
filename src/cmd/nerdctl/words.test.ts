import { expect, test } from 'bun:test';
import { alreadyExists, fault, invalidArgument, notFound, unavailable } from '#base/errors';
import { said, withoutPhrase } from './words.ts';

test("a sentence of docker's stands for itself", () => {
  for (const [thrown, words] of [
    [notFound('No such image: x'), 'No such image: x'],
    [notFound('network x not found'), 'network x not found'],
    [invalidArgument('multiple IDs found with provided prefix: a'), 'multiple IDs found with provided prefix: a'],
    [invalidArgument('what to convert to: give --oci'), 'what to convert to: give --oci'],
    [
      fault('conflict', 'conflict: unable to delete x (must be forced)'),
      'conflict: unable to delete x (must be forced)',
    ],
    [alreadyExists('endpoint already exists in network x'), 'endpoint already exists in network x'],
  ] as const)
    expect(said(thrown)).toBe(`Error response from daemon: ${words}`);
});

test('what is only the name of a thing keeps what is wrong with it', () => {
  for (const thrown of [
    notFound('x'),
    notFound('container "is not"'),
    notFound('content sha256:12'),
    alreadyExists('task 5'),
    unavailable('containerd at /run/x.sock'),
    invalidArgument('reference'),
  ])
    expect(withoutPhrase(thrown)).toBe(thrown.message);
});
