import { Fault } from '#base/errors';
import { TarReader } from '#lib/tar/reader';

/**
 * One run of the tar reader on bytes from anywhere, cut at places that the bytes decide. Fine when it reads them or throws a fault of a
 * class that says "bad archive"; anything else (another error, data beyond a member's size, an end without a beginning) is a finding.
 */
export function fuzzTar(bytes: Uint8Array): void {
  let open = false;
  let left = 0;
  const reader = new TarReader({
    entry(entry) {
      if (open) throw new Error('a member inside a member');
      open = true;
      left = entry.extents?.reduce((sum, { length }) => sum + length, 0) ?? entry.size;
      if (!Number.isSafeInteger(entry.size) || entry.size < 0) throw new Error(`size ${entry.size}`);
      if (entry.name.length > 4096 || entry.name.includes('\0')) throw new Error('a name that no path can be');
    },
    data(part) {
      left -= part.length;
      if (!open || left < 0 || part.length === 0) throw new Error("data that is nobody's");
    },
    end() {
      if (!open || left !== 0) throw new Error('an end too early or too late');
      open = false;
    },
  });
  try {
    for (let at = 0; at < bytes.length; ) {
      const step = 1 + ((bytes[at]! * 7 + at) % 1400);
      reader.push(bytes.subarray(at, at + step));
      at += step;
    }
    reader.finish();
  } catch (thrown) {
    if (!(thrown instanceof Fault) || !['invalid_argument', 'data_loss'].includes(thrown.class)) throw thrown;
  }
}
