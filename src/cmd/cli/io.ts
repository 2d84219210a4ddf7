import type { Readable } from 'node:stream';

/** What a command may touch of the process that it runs in; tests hand in their own. */
export interface Io {
  readonly argv: readonly string[];
  readonly stdin: Readable & { readonly fd?: number; readonly isTTY?: boolean };
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Fires when the user interrupts, unless somebody listens to signals. */
  readonly signal: AbortSignal;
  /** Hands all signals that a program may catch to the listener, instead of ending the command, until disposed. */
  onSignal(listener: (name: NodeJS.Signals) => void): Disposable;
}

export interface Output {
  readonly fd?: number;
  readonly isTTY?: boolean;
  /** A terminal's size at present. */
  readonly columns?: number;
  readonly rows?: number;
  /** Settles when the bytes were taken, so that a slow reader slows the writer. Rejects when the reader has gone. */
  write(data: string | Uint8Array): Promise<void>;
}

/** Ends a command with this exit code and, with a message, one line on stderr. */
export class Exit extends Error {
  readonly code: number;

  constructor(code: number, message = '') {
    super(message);
    this.name = 'Exit';
    this.code = code;
  }
}
