import { messageOf } from '#base/errors';
import type { Log } from '#base/log';
import { sendDatagram } from '#sys/socket';

/** Tells the service manager that started us, if one did, by sd_notify's protocol. A manager that does not listen is logged, no more. */
export class ServiceManager {
  readonly #socket: string;
  readonly #log: Log;

  constructor(env: Readonly<Record<string, string | undefined>>, log: Log) {
    this.#socket = env.NOTIFY_SOCKET ?? '';
    this.#log = log;
  }

  ready(): void {
    this.#send('READY=1');
  }

  stopping(): void {
    this.#send('STOPPING=1');
  }

  #send(message: string): void {
    if (this.#socket === '') return;
    try {
      sendDatagram(this.#socket, message);
    } catch (thrown) {
      this.#log.warn('cannot notify the service manager', { socket: this.#socket, message, error: messageOf(thrown) });
    }
  }
}
