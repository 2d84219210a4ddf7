import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Publish, pullBench } from '#test/support/pull-bench';
import { publish, sampleImage, sampleLayer } from '#test/support/sample-image';

const { refused } = pullBench();
/** The error says who it was. */
const host = /127\.0\.0\.1:\d+/;

type Answer = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void;

/** Answers for the layer in another way; the rest is as it should be. */
const lies = (answer: Answer): Publish => {
  const layer = sampleLayer({ big: randomBytes(400_000) });
  return (registry) => {
    publish(registry, 'a/b', 'bad', sampleImage([layer]));
    registry.intercept = (request, response) => {
      if (!request.url?.includes(layer.descriptor.digest)) return false;
      answer(request, response, layer.blob);
      return true;
    };
  };
};
const other = randomBytes(400_000);
refused(
  'a blob of another size',
  'failed_precondition',
  host,
  lies((_, response) => void response.end(other)),
);
refused('a blob with one other byte', 'failed_precondition', /sha256:/, (registry) => {
  // Not compressed, so that nothing else notices.
  const { tar, diffId } = sampleLayer({ big: randomBytes(400_000) });
  const descriptor = { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: diffId, size: tar.length };
  publish(registry, 'a/b', 'bad', sampleImage([{ tar, blob: tar, diffId, descriptor }]));
  const changed = Buffer.from(tar);
  changed.writeUInt8(changed.readUInt8(200_000) ^ 1, 200_000);
  registry.blobs.set(diffId, changed);
});
refused(
  'a blob longer than it says',
  'failed_precondition',
  host,
  lies((_, response, body) => {
    response.write(body);
    response.end(other);
  }),
);
refused(
  'a blob that never ends',
  'failed_precondition',
  host,
  lies((_, response, body) => {
    response.write(body);
    const more = () => {
      if (response.destroyed) return;
      response.write(other);
      setTimeout(more, 1);
    };
    more();
  }),
);
refused(
  'a blob that ends early, each time',
  'unavailable',
  host,
  lies((_, response, body) => {
    response.write(body.subarray(0, 10));
    response.end();
  }),
);
refused(
  'a blob that stalls',
  'unavailable',
  /no more of the body/,
  lies((_, response, body) => void response.write(body.subarray(0, 1000))),
);
refused(
  'a blob without any answer',
  'unavailable',
  /no answer in time/,
  lies(() => {}),
);
refused(
  'a blob whose connection is reset',
  'unavailable',
  host,
  lies((_, response, body) => {
    response.writeHead(200, { 'content-length': body.length });
    response.write(body.subarray(0, 1000), () => response.socket?.resetAndDestroy());
  }),
);
refused(
  'redirects in a circle',
  'failed_precondition',
  /redirects/,
  lies((request, response) => void response.writeHead(307, { location: request.url ?? '' }).end()),
);
for (const [status, cls] of [
  [401, 'unauthenticated'],
  [403, 'permission_denied'],
  [404, 'not_found'],
  [429, 'resource_exhausted'],
  [500, 'unavailable'],
] as const) {
  refused(
    `a blob that is answered with ${status}`,
    cls,
    /sha256:/,
    lies((_, response) => void response.writeHead(status).end('{}')),
  );
  refused(`a manifest that is answered with ${status}`, cls, /failed to resolve reference/, (registry) => {
    registry.intercept = (request, response) => {
      if (!request.url?.includes('/manifests/')) return false;
      response.writeHead(status).end('{"errors":[{"code":"X","message":"so it is"}]}');
      return true;
    };
  });
}
