import { fault, messageOf, wrap } from '#base/errors';
import type { Log } from '#base/log';
import type { Descriptor } from '#core/descriptor';
import type { ImageVerifier } from '#core/images/verifier';

/** Asks every verifier whether the image may be pulled. @throws permission_denied with who said no; whatever kept one from saying anything */
export async function verifyImage(
  verifiers: ReadonlyMap<string, ImageVerifier>,
  name: string,
  target: Descriptor,
  { signal, log }: { readonly signal: AbortSignal; readonly log: Log },
): Promise<void> {
  for (const [id, verifier] of verifiers) {
    const subject = `blocking pull of ${name} with digest ${target.digest}: image verifier ${id}`;
    const { allowed, reason } = await verifier.verify(name, target, signal).catch((error: unknown) => {
      log.error('an image cannot be verified', { name, digest: target.digest, verifier: id, error: messageOf(error) });
      throw wrap(error, `${subject} returned error`);
    });
    log.debug('image verified', { name, digest: target.digest, verifier: id, allowed, reason });
    if (!allowed) throw fault('permission_denied', `${subject} rejected image with reason: ${reason}`);
  }
}
