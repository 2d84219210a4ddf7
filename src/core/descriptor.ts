import type { Digest } from '#lib/digest';
import type { Platform } from '#lib/platform';

/** What names a piece of content: OCI's descriptor. `size` in bytes. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly urls?: readonly string[];
  readonly platform?: Platform;
}
