import { isFault } from '#base/errors';
import { chainId, type ImageConfig } from '#lib/oci/image-config';
import type { Engine } from '../engine.ts';

/** How much unpacked images take; each snapshot is asked for once. */
export class TreeSizes {
  readonly #engine: Engine;
  readonly #known = new Map<string, Promise<number>>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Bytes of all layers; 0 of an image that is not unpacked. */
  async of({ diffIds }: Pick<ImageConfig, 'diffIds'>): Promise<number> {
    const sizes = await this.ofLayers({ diffIds });
    return sizes.reduce((sum, size) => sum + size, 0);
  }

  /** Bytes of each layer, from the bottom. */
  ofLayers({ diffIds }: Pick<ImageConfig, 'diffIds'>): Promise<readonly number[]> {
    return Promise.all(diffIds.map((_, at) => this.#layer(chainId(diffIds.slice(0, at + 1)))));
  }

  #layer(name: string): Promise<number> {
    const known = this.#known.get(name) ?? this.#ask(name);
    this.#known.set(name, known);
    return known;
  }

  async #ask(name: string): Promise<number> {
    const { client, scope, config } = this.#engine;
    try {
      return (await (await client.snapshotter(scope, config.snapshotter)).usage(scope, name)).size;
    } catch (thrown) {
      if (isFault(thrown, 'not_found')) return 0;
      throw thrown;
    }
  }
}
