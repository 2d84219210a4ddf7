import type { ContentStore } from '#core/content/content';
import type { Descriptor } from '#core/descriptor';
import { manifestsOf } from '#core/images/image-content';
import type { Scope } from '#core/scope';

/** What a manifest's label is called that keeps a layer. */
export const isLayerReference = (key: string): boolean => key.startsWith('containerd.io/gc.ref.content.l.');

/** Lets collection have the layers of an image: what was unpacked of them stays. Only manifests that are here are changed. */
export async function releaseLayers(content: ContentStore, scope: Scope, target: Descriptor): Promise<void> {
  for (const { descriptor } of await manifestsOf(content, scope, target)) {
    const { digest } = descriptor;
    const keys = Object.keys((await content.info(scope, digest)).labels).filter(isLayerReference);
    if (keys.length === 0) continue;
    const labels = Object.fromEntries(keys.map((key) => [key, '']));
    await content.update(
      scope,
      { digest, labels },
      keys.map((key) => `labels.${key}`),
    );
  }
}
