import type { Descriptor } from '#core/descriptor';
import { type Slot, slot } from '#core/plugin/slot';

/** Judges images before they are fetched. */
export interface ImageVerifier {
  /** What is said of the image to which this name has just been resolved. @throws what keeps it from being judged, which is as much as a no */
  verify(name: string, target: Descriptor, signal: AbortSignal): Promise<Judgement>;
}
export const ImageVerifier: Slot<ImageVerifier> = slot('io.containerd.image-verifier.v1');

export interface Judgement {
  readonly allowed: boolean;
  /** For people. */
  readonly reason: string;
}
