import { formatDuration, parseDuration } from '#base/duration';
import { formatTimestamp, parseTimestamp } from '#base/timestamp';
import { eventToJson } from '#client/event-json';
import { isDigest, parseDigest } from '#lib/digest';
import { goJson } from '#lib/go-json';
import { isIdentifier } from '#lib/identifier';
import { formatPlatform, normalizePlatform, parsePlatform } from '#lib/platform';
import { eventFields } from '#plugins/events/event-fields';
import { parseMountTable } from '#sys/mountinfo';
import { accepted, type FuzzTarget, holds, same, textOf } from '../target.ts';

/** Times, durations, digests, names and platforms as text: what is read prints as something that reads the same. */
export const values: FuzzTarget = {
  name: 'values',
  words: [
    '2024-02-29T23:59:60Z',
    '+14:00',
    '.000000001',
    '1h',
    'ms',
    'µs',
    'sha256:',
    'sha512:',
    'linux/',
    'arm64/v8',
    'windows(10.0)',
    '..',
    '-',
  ],
  run(bytes) {
    const text = textOf(bytes);
    const at = parseTimestamp(text);
    if (at !== undefined && at.seconds > -62_167_219_200 && at.seconds < 253_402_300_800)
      same('time', parseTimestamp(formatTimestamp(at)), at);
    const ms = parseDuration(text);
    if (ms !== undefined && Math.abs(ms) < 1e12) {
      const again = parseDuration(formatDuration(ms)) ?? Number.NaN;
      holds(`duration ${text}`, Math.abs(again - ms) <= 1e-6 + Math.abs(ms) * 1e-12);
    }
    if (accepted(() => parseDigest(text), 'invalid_argument') !== undefined)
      holds('a digest', isDigest(text) && /^sha\d{3}:[0-9a-f]+$/.test(text));
    if (isIdentifier(text)) holds('a file name', /^[A-Za-z0-9._-]{1,76}$/.test(text) && !text.includes('..'));
    const platform = accepted(() => parsePlatform(text), 'invalid_argument');
    if (platform !== undefined)
      same('platform', normalizePlatform(parsePlatform(formatPlatform(platform))), normalizePlatform(platform));
    same('as Go writes text', JSON.parse(goJson(text)), text.toWellFormed());
    parseMountTable(text);
  },
};

const kinds = [
  'TaskExit',
  'TaskCreate',
  'TaskOOM',
  'ContainerCreate',
  'ImageUpdate',
  'SnapshotCommit',
  'ContentCreate',
];

/** Events of anybody: a filter finds nothing in what is none, and never fails. */
export const events: FuzzTarget = {
  name: 'events',
  words: [Uint8Array.of(0x0a), Uint8Array.of(0x12), Uint8Array.of(0x0a, 1, 0x61), Uint8Array.of(0x22, 2, 8, 1)],
  run(bytes) {
    for (const kind of kinds) {
      const event = { typeUrl: `containerd.events.${kind}`, value: bytes };
      const look = eventFields(event);
      for (const path of [
        ['container_id'],
        ['id'],
        ['labels', 'a'],
        ['runtime', 'name'],
        ['exited_at', 'seconds'],
        ['__proto__'],
        [],
      ])
        same('kind', typeof look(path).value, 'string');
    }
    for (const kind of [...kinds, 'none'])
      JSON.parse(eventToJson({ typeUrl: `containerd.events.${kind}`, value: bytes }));
  },
};
