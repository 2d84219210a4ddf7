import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

// No JavaScript runtime receives datagrams on unix sockets; Debian always has perl.
const receiver = `use Socket; $| = 1; socket(my $s, PF_UNIX, SOCK_DGRAM, 0) or die; bind($s, sockaddr_un($ARGV[0])) or die;
while (defined recv($s, my $m, 4096, 0)) { print "$m\\n" }`;

/** A service manager's end of sd_notify at `path`. */
export async function listenForNotifications(path: string): Promise<NotifySocket> {
  const socket = new NotifySocket(path);
  for (let waited = 0; !existsSync(path); waited += 10) {
    if (waited > 5000) throw new Error('the receiver does not listen');
    await wait(10);
  }
  return socket;
}

export class NotifySocket implements AsyncDisposable {
  readonly #process;
  #heard = '';

  constructor(path: string) {
    this.#process = spawn('perl', ['-e', receiver, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#process.stdout.on('data', (chunk: Buffer) => {
      this.#heard += chunk.toString();
    });
  }

  /** All messages so far. */
  get messages(): readonly string[] {
    return this.#heard.split('\n').filter((line) => line !== '');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#process, 'exit');
    this.#process.kill();
    await ended;
  }
}
