import { sha256 } from '#test/support/fake-registry';
import { pullBench } from '#test/support/pull-bench';
import { sampleLayer } from '#test/support/sample-image';

const { refused } = pullBench();
/** The error says which document it is about. */
const named = /^sha256:[0-9a-f]{64}: ./;
const good = sampleLayer({ 'etc/': '', 'etc/a': 'good' });
const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const indexType = 'application/vnd.oci.image.index.v1+json';

for (const [what, text] of [
  ['a manifest that is no JSON', '{"schemaVersion":2,'],
  ['a manifest a megabyte deep', '['.repeat(1 << 20) + ']'.repeat(1 << 20)],
  ['a manifest that is a list', '[]'],
  ['a manifest without a configuration', JSON.stringify({ schemaVersion: 2, mediaType: manifestType, layers: [] })],
  [
    'a manifest that is an index, too',
    JSON.stringify({ schemaVersion: 2, mediaType: manifestType, manifests: [], layers: [], config: descriptor('{}') }),
  ],
  [
    'a manifest with another media type inside',
    JSON.stringify({ schemaVersion: 2, mediaType: indexType, layers: [], config: descriptor('{}') }),
  ],
  [
    'a manifest with a bad digest',
    JSON.stringify({ schemaVersion: 2, config: { ...descriptor('{}'), digest: 'sha256:../../etc' }, layers: [] }),
  ],
  [
    'a manifest with a negative size',
    JSON.stringify({ schemaVersion: 2, config: { ...descriptor('{}'), size: -1 }, layers: [] }),
  ],
] as const)
  refused(what, 'invalid_argument', named, (registry) => void registry.manifest('a/b', 'bad', manifestType, text));

for (const [what, text, why = named] of [
  ['a configuration that is no JSON', 'nonsense'],
  ['a configuration a megabyte deep', `${'{"a":'.repeat(1 << 18)}1${'}'.repeat(1 << 18)}`],
  [
    'a configuration with bad diff ids',
    '{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["x","y"]}}',
  ],
  ['a configuration without layers', '{"architecture":"amd64","os":"linux"}', /1 layers, its configuration names 0/],
] as const)
  refused(what, 'invalid_argument', why, (registry) => {
    registry.blob(Buffer.from(text));
    registry.blob(good.blob);
    registry.manifest('a/b', 'bad', manifestType, {
      schemaVersion: 2,
      mediaType: manifestType,
      config: descriptor(text),
      layers: [good.descriptor],
    });
  });

refused('an index that has itself in it', 'failed_precondition', /sent something else than manifest/, (registry) => {
  // No digest can hold itself, so the registry has to lie about what is behind it.
  const digest = sha256('self');
  const entry = { mediaType: indexType, digest, size: 247 };
  const body = JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests: [entry] });
  registry.intercept = (request, response) => {
    if (!request.url?.includes('/manifests/')) return false;
    response.writeHead(200, {
      'content-type': indexType,
      'content-length': body.length,
      'docker-content-digest': digest,
    });
    response.end(request.method === 'HEAD' ? undefined : body);
    return true;
  };
});
refused('an index of indexes without end', 'invalid_argument', /nested/, (registry) => {
  let entry = registry.manifest('a/b', 'deepest', manifestType, '{}');
  for (let i = 0; i < 20; i++)
    entry = registry.manifest('a/b', `level${i}`, indexType, {
      schemaVersion: 2,
      mediaType: indexType,
      manifests: [entry],
    });
  registry.manifests.set('a/b:bad', registry.manifests.get('a/b:level19') as { mediaType: string; body: Buffer });
});
refused('an index for other machines only', 'not_found', /no match for platform/, (registry) => {
  const other = registry.manifest('a/b', 'other', manifestType, {
    schemaVersion: 2,
    config: descriptor('{}'),
    layers: [],
  });
  const manifests = [{ ...other, platform: { os: 'plan9', architecture: 'mips' } }];
  registry.manifest('a/b', 'bad', indexType, { schemaVersion: 2, mediaType: indexType, manifests });
});
refused(
  'a manifest of more than the limit',
  'invalid_argument',
  /at most/,
  (registry) => void registry.manifest('a/b', 'bad', manifestType, `{"schemaVersion":2,"x":"${'x'.repeat(9 << 20)}"}`),
);

function descriptor(text: string) {
  return { mediaType: 'application/vnd.oci.image.config.v1+json', digest: sha256(text), size: Buffer.byteLength(text) };
}
