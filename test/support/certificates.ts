import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

/** A signer of its own in `directory`, made by openssl. Answers with paths of PEM files. */
export class CertificateAuthority {
  readonly certificate: string;
  readonly #directory: string;
  readonly #key: string;
  readonly #name: string;

  constructor(directory: string, name: string) {
    this.#directory = directory;
    this.#name = name;
    this.certificate = join(directory, `${name}.crt`);
    this.#key = join(directory, `${name}.key`);
    openssl(
      'req',
      '-x509',
      ...newKey,
      '-nodes',
      '-days',
      '2',
      '-subj',
      `/CN=${name}`,
      '-keyout',
      this.#key,
      '-out',
      this.certificate,
    );
  }

  /** A certificate for `commonName`, valid for 127.0.0.1 and localhost, for servers and clients. */
  issue(commonName: string): KeyPair {
    const base = join(this.#directory, `${this.#name}-${commonName}`);
    const pair = { certificate: `${base}.crt`, key: `${base}.key` };
    writeFileSync(`${base}.ext`, 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
    openssl('req', ...newKey, '-nodes', '-subj', `/CN=${commonName}`, '-keyout', pair.key, '-out', `${base}.csr`);
    openssl(
      'x509',
      '-req',
      '-in',
      `${base}.csr`,
      '-CA',
      this.certificate,
      '-CAkey',
      this.#key,
      '-CAcreateserial',
      '-days',
      '2',
      '-extfile',
      `${base}.ext`,
      '-out',
      pair.certificate,
    );
    return pair;
  }
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];

function openssl(...args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
