import { closeSync, constants, openSync, statSync } from 'node:fs';
import { failedPrecondition } from '#base/errors';
import { addon } from './addon.ts';

const readOnly = 1;
const autoclear = 4;
const directIo = 16;

export interface LoopOptions {
  readonly readonly?: boolean;
  /** Past the page cache of the device, which would have everything twice. */
  readonly directIo?: boolean;
}

/** A block device that shows a file. Disposing it closes it here; the kernel frees it once nobody has it mounted or open, unless it was kept. */
export interface LoopDevice extends Disposable {
  /** `/dev/loop3`. */
  readonly path: string;
  /** What tells its file from others: see `fileOfLoop`. */
  readonly file: string;
  /** Says that it stays when nobody has it: until `release`. */
  keep(): void;
}

/** Makes a loop device of a file. @throws ENOENT; failed_precondition for what is no file; ENODEV, EPERM where there are no loop devices */
export function attachLoop(file: string, options: LoopOptions = {}): LoopDevice {
  const found = statSync(file);
  // To open a fifo would wait for its other end.
  if (!found.isFile() && !found.isBlockDevice()) throw failedPrecondition(`${file} is no file that a device can show`);
  const backing = openSync(file, options.readonly === true ? constants.O_RDONLY : constants.O_RDWR);
  try {
    const flags = autoclear | (options.readonly === true ? readOnly : 0) | (options.directIo === true ? directIo : 0);
    const [index = 0, device = -1] = addon.loopAttach(backing, file, flags);
    let open = true;
    return {
      path: `/dev/loop${index}`,
      file: shownOrClosed(device),
      keep: () => addon.loopAutoclear(device, 0),
      [Symbol.dispose]: () => {
        if (open) closeSync(device);
        open = false;
      },
    };
  } finally {
    closeSync(backing);
  }
}

/** Has a device that was kept freed as soon as nobody uses it. One that shows another file by now is left alone, and so is a free one. */
export function releaseLoop(path: string, file: string): void {
  const device = openSync(path, constants.O_RDONLY);
  try {
    if (shown(device) === file) addon.loopAutoclear(device, 1);
  } finally {
    closeSync(device);
  }
}

/** What tells the file that a device shows from others; `undefined` for a free device. @throws ENOENT */
export function fileOfLoop(path: string): string | undefined {
  const device = openSync(path, constants.O_RDONLY);
  try {
    return shown(device);
  } finally {
    closeSync(device);
  }
}

/** What cannot be told of is not kept open. */
function shownOrClosed(device: number): string {
  try {
    return shown(device) ?? '';
  } catch (error) {
    closeSync(device);
    throw error;
  }
}

function shown(device: number): string | undefined {
  try {
    return addon.loopStatus(device).join(':');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENXIO') return undefined;
    throw error;
  }
}
