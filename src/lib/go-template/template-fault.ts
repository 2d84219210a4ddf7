/** A template that cannot be read (`parse`), or not with this value (`execute`); the message is Go's, from `template: ` on. */
export class TemplateFault extends Error {
  readonly code: 'parse' | 'execute';

  constructor(code: 'parse' | 'execute', message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'TemplateFault';
    this.code = code;
  }
}
