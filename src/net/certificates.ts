/**
 * The certificate that clients see: from files, or self-signed and kept in the data directory.
 *
 * Invariants:
 * - There is always one that works: a new one that can't be used is told to the log, and the old one stays.
 * - Connections that are open keep the certificate they began with; those that begin after a reload get the new one.
 */
import { constants, createPrivateKey, randomBytes, X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createSecureContext, type TLSSocketOptions } from 'node:tls';
import type { Logger } from 'pino';
import { Refused } from '../errors.ts';
import type { Milliseconds } from '../store/ids.ts';
import { keepSelfSigned, RENEW_BEFORE } from './self-signed.ts';

/** How often the files are looked at, for a change. */
const CHECK_EVERY: Milliseconds = 60_000;

/** RFC 9325 4.2: forward secrecy and authenticated encryption only. TLS 1.3 has its own, which are all good. */
const TLS12_CIPHERS = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
];
const TLS13_CIPHERS = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'];

export interface CertificateOptions {
  /** PEM files: the certificate with its chain, and its key. Null: self-signed. */
  readonly files: { readonly certificate: string; readonly key: string } | null;
  /** Where a self-signed one is kept. */
  readonly directory: string;
  /** Names of the server, for the self-signed one. */
  readonly names: readonly string[];
  readonly log: Logger;
  /** For tests. */
  readonly checkEvery?: Milliseconds;
}

/** What is known about the certificate in use; nothing secret. */
export interface CertificateInfo {
  readonly subject: string;
  /** `DNS:mail.office.test, IP Address:127.0.0.1` */
  readonly names: string;
  readonly fingerprint: string;
  readonly validTo: Date;
  readonly selfSigned: boolean;
}

interface Loaded {
  readonly tls: TLSSocketOptions;
  readonly info: CertificateInfo;
}

export class Certificates {
  readonly #options: CertificateOptions;
  readonly #files: { readonly certificate: string; readonly key: string };
  /** Kept over reloads, so that sessions can be resumed after one; new with each start (RFC 5077 5.5). */
  readonly #ticketKeys = randomBytes(48);
  #loaded: Loaded | undefined;
  /** The files as they were when they were last tried. */
  #tried = '';
  #timer: NodeJS.Timeout | undefined;
  #reloading: Promise<boolean> | undefined;

  private constructor(options: CertificateOptions) {
    this.#options = options;
    const own = join(options.directory, 'self-signed.pem');
    this.#files = options.files ?? { certificate: own, key: own };
  }

  /** @throws Refused `config.invalid` when the files can't be used */
  static async open(options: CertificateOptions): Promise<Certificates> {
    const certificates = new Certificates(options);
    await certificates.#load();
    const check = () => void certificates.#reloadIfChanged();
    certificates.#timer = setInterval(check, options.checkEvery ?? CHECK_EVERY).unref();
    return certificates;
  }

  /** For a handshake that begins now. */
  tlsOptions(): TLSSocketOptions {
    return this.#current.tls;
  }

  get info(): CertificateInfo {
    return this.#current.info;
  }

  /**
   * Reads the files anew (SIGHUP).
   * @returns false when they can't be used: the old certificate stays, and the log says why
   */
  reload(): Promise<boolean> {
    this.#reloading ??= this.#reload().finally(() => {
      this.#reloading = undefined;
    });
    return this.#reloading;
  }

  /** Ends the watch over the files. */
  close(): void {
    clearInterval(this.#timer);
  }

  get #current(): Loaded {
    if (this.#loaded === undefined) throw new Error('no certificate is loaded');
    return this.#loaded;
  }

  async #reload(): Promise<boolean> {
    const { log } = this.#options;
    try {
      await this.#load();
    } catch (error) {
      log.error({ err: error }, 'the new certificate can not be used; the old one stays');
      return false;
    }
    log.info({ certificate: this.info }, 'the certificate was loaded');
    return true;
  }

  async #reloadIfChanged(): Promise<void> {
    if (this.#options.files === null && this.info.validTo.getTime() - Date.now() < RENEW_BEFORE) await this.reload();
    else if ((await this.#state()) !== this.#tried) await this.reload();
  }

  async #load(): Promise<void> {
    const { certificate, key } = this.#files;
    try {
      if (this.#options.files === null) await keepSelfSigned(certificate, this.#options.names);
      this.#tried = await this.#state(); // before reading: what changes meanwhile is seen by the next check
      const [chainPem, keyPem] = await Promise.all([readFile(certificate), readFile(key)]);
      this.#loaded = this.#use(chainPem, keyPem);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Refused(
        'config.invalid',
        `The certificate ${certificate} with the key ${key} can't be used: ${reason}.`,
        {
          cause: error,
        },
      );
    }
  }

  /** Changes when the files do; one that is missing, perhaps while it is replaced, is a state too. */
  async #state(): Promise<string> {
    const states = await Promise.all([stateOf(this.#files.certificate), stateOf(this.#files.key)]);
    return states.join(', ');
  }

  #use(chainPem: Buffer, keyPem: Buffer): Loaded {
    const x509 = new X509Certificate(chainPem); // the first of the chain
    if (!x509.checkPrivateKey(createPrivateKey(keyPem))) throw new Error('the key belongs to another certificate');
    const info: CertificateInfo = {
      subject: x509.subject,
      names: x509.subjectAltName ?? '',
      fingerprint: x509.fingerprint256,
      validTo: x509.validToDate,
      selfSigned: x509.verify(x509.publicKey),
    };
    if (info.validTo.getTime() < Date.now()) {
      this.#options.log.warn({ certificate: info }, 'the certificate has expired: clients will refuse it');
    }
    const secureContext = createSecureContext({
      cert: chainPem,
      key: keyPem,
      minVersion: 'TLSv1.2', // RFC 8996
      ciphers: [...TLS13_CIPHERS, ...TLS12_CIPHERS].join(':'),
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_COMPRESSION, // RFC 9325 3.3, 3.5
      sessionIdContext: 'rainmail',
      ticketKeys: this.#ticketKeys,
    });
    return { info, tls: { secureContext } };
  }
}

async function stateOf(file: string): Promise<string> {
  try {
    const { ino, size, mtimeMs } = await stat(file);
    return `${ino} ${size} ${mtimeMs}`;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unreadable';
  }
}
