/**
 * The certificates that clients see, by the name they ask for: from files of the administrator, from ACME, or self-signed and kept in the
 * data directory.
 *
 * Invariants:
 * - There is always one that works: a new one that can't be used is told to the log, and the old one stays.
 * - One that is bad does no harm to the others.
 * - Connections that are open keep the certificate they began with; those that begin after a reload get the new one.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { SecureContext, TLSSocket, TLSSocketOptions } from 'node:tls';
import type { Logger } from 'pino';
import { Refused } from '../errors.ts';
import type { Milliseconds } from '../store/ids.ts';
import { NameIndex } from './certificate-names.ts';
import {
  type CertificateFiles,
  type CertificateInfo,
  CertificateSource,
  isMissing,
  type LoadedCertificate,
} from './certificate-source.ts';
import { keepSelfSigned, RENEW_BEFORE } from './self-signed.ts';

export type { CertificateFiles, CertificateInfo } from './certificate-source.ts';

/** How often the files are looked at, for a change. */
const CHECK_EVERY: Milliseconds = 60_000;

export interface CertificateOptions {
  /** Files of the administrator, the main certificate first. Without any, the main one is the first kept, else self-signed. */
  readonly files: readonly CertificateFiles[];
  /** Files that another part makes and renews; those that are not there yet are waited for. */
  readonly kept?: readonly CertificateFiles[];
  /** Where a self-signed one is kept. */
  readonly directory: string;
  /** Names of the server, for the self-signed one. */
  readonly names: readonly string[];
  readonly log: Logger;
  /** For tests. */
  readonly checkEvery?: Milliseconds;
}

/** How a handshake chooses a protocol (RFC 7301). */
export interface AlpnOptions {
  /** `http/1.1` */
  readonly protocols: readonly string[];
  /** Protocols that are answered with a certificate of their own, and by name only (RFC 8737). */
  readonly special?: { readonly protocol: string; find(serverName: string): SecureContext | undefined };
}

/** A certificate in use, or one that should be. */
export interface CertificateState {
  readonly files: CertificateFiles;
  /** The one for clients that ask for no name, or for one that no certificate has. */
  readonly main: boolean;
  /** Null: none could be loaded yet. */
  readonly info: CertificateInfo | null;
  /** Why what is in the files now can't be used; the one loaded before goes on. */
  readonly problem: string | null;
}

export class Certificates {
  readonly #options: CertificateOptions;
  readonly #files: readonly CertificateSource[];
  readonly #kept: readonly CertificateSource[];
  readonly #selfSigned: CertificateSource;
  /** Kept over reloads, so that sessions can be resumed after one; new with each start (RFC 5077 5.5). */
  readonly #ticketKeys = randomBytes(48);
  #byName = new NameIndex<LoadedCertificate>([]);
  #tls: TLSSocketOptions = {};
  #timer: NodeJS.Timeout | undefined;
  #reloading: Promise<boolean> = Promise.resolve(true);

  private constructor(options: CertificateOptions) {
    this.#options = options;
    const own = join(options.directory, 'self-signed.pem');
    this.#files = options.files.map((files) => new CertificateSource(files));
    this.#kept = (options.kept ?? []).map((files) => new CertificateSource(files));
    this.#selfSigned = new CertificateSource({ certificate: own, key: own });
  }

  /** @throws Refused `config.invalid` when the main one can't be used */
  static async open(options: CertificateOptions): Promise<Certificates> {
    const certificates = new Certificates(options);
    const failures = await certificates.#load();
    const main = certificates.#mainSource;
    const failure = failures.get(main);
    if (failure !== undefined) throw unusable(main, failure);
    for (const [source, error] of failures) {
      options.log.error({ err: error, files: source.files }, 'a certificate can not be used: its names go without it');
    }
    const check = () => void certificates.#reloadIfChanged();
    certificates.#timer = setInterval(check, options.checkEvery ?? CHECK_EVERY).unref();
    return certificates;
  }

  /**
   * For a handshake that begins now: the certificate goes by the name that the client asks for, else it is the main one.
   * @param alpn  for protocols that negotiate what is spoken
   */
  tlsOptions(alpn?: AlpnOptions): TLSSocketOptions {
    return alpn === undefined ? this.#tls : this.#negotiating(alpn);
  }

  /** The main certificate. */
  get info(): CertificateInfo {
    return this.#main.info;
  }

  /** Chain and key of the certificate for a name, PEM, to sign with: handle with care. */
  signer(name: string): { readonly chain: Buffer; readonly key: Buffer } {
    const { chainPem, keyPem } = this.#byName.find(name) ?? this.#main;
    return { chain: chainPem, key: keyPem };
  }

  /** All of them, the main one first if it is there. */
  states(): CertificateState[] {
    const main = this.#mainSource;
    const sources = [...this.#files, ...this.#kept];
    if (main === this.#selfSigned) sources.unshift(main);
    return sources.map((source) => ({
      files: source.files,
      main: source === main,
      info: source.loaded?.info ?? null,
      problem: source.problem ?? null,
    }));
  }

  /**
   * Reads the files anew (SIGHUP).
   * @returns false when some can't be used: what they held before stays, and the log says why
   */
  reload(): Promise<boolean> {
    // One after the other: who asks now wants to see what is in the files now.
    this.#reloading = this.#reloading.then(() => this.#reload());
    return this.#reloading;
  }

  /** Ends the watch over the files. */
  close(): void {
    clearInterval(this.#timer);
  }

  get #mainSource(): CertificateSource {
    const first = this.#files[0] ?? this.#kept[0];
    return first !== undefined && (this.#files.length > 0 || first.loaded !== undefined) ? first : this.#selfSigned;
  }

  get #main(): LoadedCertificate {
    const { loaded } = this.#mainSource;
    if (loaded === undefined) throw new Error('no certificate is loaded');
    return loaded;
  }

  async #reload(): Promise<boolean> {
    const { log } = this.#options;
    const failures = await this.#load();
    for (const [source, error] of failures) {
      log.error({ err: error, files: source.files }, 'the new certificate can not be used; the old one stays');
    }
    if (failures.size === 0) log.info({ certificate: this.info }, 'the certificate was loaded');
    return failures.size === 0;
  }

  async #reloadIfChanged(): Promise<void> {
    const main = this.#mainSource;
    const inUse = main === this.#selfSigned ? [main, ...this.#kept] : [...this.#files, ...this.#kept];
    const changed = await Promise.all(inUse.map((source) => source.hasChanged()));
    const ends = main === this.#selfSigned && this.info.validTo.getTime() - Date.now() < RENEW_BEFORE;
    if (ends || changed.includes(true)) await this.reload();
  }

  /** Loads all that can be. @returns those that could not, with their errors */
  async #load(): Promise<Map<CertificateSource, unknown>> {
    const failures = new Map<CertificateSource, unknown>();
    const load = async (source: CertificateSource) => {
      try {
        await source.load(this.#ticketKeys);
      } catch (error) {
        failures.set(source, error);
      }
    };
    await Promise.all(this.#files.map(load));
    await Promise.all(
      this.#kept.map(async (source) => {
        await load(source);
        if (await isMissing(source.files.certificate)) failures.delete(source); // not there yet
      }),
    );
    if (this.#mainSource === this.#selfSigned) {
      try {
        await keepSelfSigned(this.#selfSigned.files.certificate, this.#options.names);
        await load(this.#selfSigned);
      } catch (error) {
        failures.set(this.#selfSigned, error);
      }
    }
    if (this.#mainSource.loaded !== undefined) this.#use();
    return failures;
  }

  /** Makes what is loaded what clients get. */
  #use(): void {
    const main = this.#main;
    const others = [...this.#files, ...this.#kept].flatMap(({ loaded }) => loaded ?? []);
    const all = [...new Set([main, ...others])];
    this.#byName = new NameIndex(all.map((value) => ({ names: value.dnsNames, value })));
    const { secureContext } = main;
    // With one certificate there is nothing to choose: the handshake need not wait for us.
    this.#tls = all.length === 1 ? { secureContext } : { secureContext, SNICallback: this.#choose };
    for (const { info } of all) {
      if (info.validTo.getTime() < Date.now())
        this.#options.log.warn({ certificate: info }, 'the certificate has expired: clients will refuse it');
    }
  }

  readonly #choose: NonNullable<TLSSocketOptions['SNICallback']> = (serverName, choose) => {
    choose(null, (this.#byName.find(serverName) ?? this.#main).secureContext);
  };

  #negotiating({ protocols, special }: AlpnOptions): TLSSocketOptions {
    const ordinary = this.#choose;
    let found: SecureContext | undefined;
    return {
      secureContext: this.#main.secureContext,
      // With TLS 1.3 the protocol is chosen before the certificate, with TLS 1.2 after it: both ways lead to the special one. (With
      // TLS 1.2 its key must be of the same kind then; those who ask for it, CAs, speak TLS 1.3.)
      SNICallback(serverName, choose) {
        if (found === undefined) ordinary(serverName, choose);
        else choose(null, found);
      },
      ALPNCallback(this: TLSSocket, { servername, protocols: offered }) {
        if (special !== undefined && offered.includes(special.protocol)) {
          found = special.find(servername);
          if (found === undefined) return undefined; // RFC 8737 3, RFC 7301 3.2: the handshake fails
          this.setKeyCert(found);
          return special.protocol;
        }
        return protocols.find((protocol) => offered.includes(protocol));
      },
    };
  }
}

function unusable({ files }: CertificateSource, error: unknown): Refused {
  const reason = error instanceof Error ? error.message : String(error);
  return new Refused(
    'config.invalid',
    `The certificate ${files.certificate} with the key ${files.key} can't be used: ${reason}.`,
    { cause: error },
  );
}
