/**
 * One certificate with its key, from two PEM files (or one that holds both) that are read again when they change.
 *
 * Invariant: what was loaded stays until something that works takes its place.
 */
import { constants, createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { createSecureContext, type SecureContext } from 'node:tls';
import { dnsNames } from './certificate-names.ts';

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

/** PEM files: the certificate with its chain, and its key. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
}

/** What is known about a certificate; nothing secret. */
export interface CertificateInfo {
  readonly subject: string;
  readonly issuer: string;
  /** `DNS:mail.office.test, IP Address:127.0.0.1` */
  readonly names: string;
  readonly fingerprint: string;
  readonly validFrom: Date;
  readonly validTo: Date;
  readonly selfSigned: boolean;
}

export interface LoadedCertificate {
  readonly info: CertificateInfo;
  /** Those that a client can ask for, in lower case. */
  readonly dnsNames: readonly string[];
  readonly secureContext: SecureContext;
  readonly chainPem: Buffer;
  readonly keyPem: Buffer;
}

export class CertificateSource {
  readonly files: CertificateFiles;
  #loaded: LoadedCertificate | undefined;
  #problem: string | undefined;
  /** The files as they were when they were last tried. */
  #tried = '';

  constructor(files: CertificateFiles) {
    this.files = files;
  }

  /** The newest that could be used. */
  get loaded(): LoadedCertificate | undefined {
    return this.#loaded;
  }

  /** Why what is in the files now can't be used. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** @throws Error when the files can't be used: the one loaded before stays */
  async load(ticketKeys: Buffer): Promise<LoadedCertificate> {
    const { certificate, key } = this.files;
    try {
      this.#tried = await this.#state(); // before reading: what changes meanwhile is seen by the next check
      const [chainPem, keyPem] = await Promise.all([readFile(certificate), readFile(key)]);
      this.#loaded = use(chainPem, keyPem, ticketKeys);
      this.#problem = undefined;
      return this.#loaded;
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : String(error);
      throw error;
    }
  }

  /** True when the files are others than those that were tried last. */
  async hasChanged(): Promise<boolean> {
    return (await this.#state()) !== this.#tried;
  }

  /** One file that is missing, perhaps while it is replaced, is a state too. */
  async #state(): Promise<string> {
    const states = await Promise.all([stateOf(this.files.certificate), stateOf(this.files.key)]);
    return states.join(', ');
  }
}

/** True when there is no file of this name. */
export async function isMissing(file: string): Promise<boolean> {
  return (await stateOf(file)) === 'ENOENT';
}

async function stateOf(file: string): Promise<string> {
  try {
    const { ino, size, mtimeMs } = await stat(file);
    return `${ino} ${size} ${mtimeMs}`;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unreadable';
  }
}

function use(chainPem: Buffer, keyPem: Buffer, ticketKeys: Buffer): LoadedCertificate {
  const x509 = new X509Certificate(chainPem); // the first of the chain
  if (!x509.checkPrivateKey(createPrivateKey(keyPem))) throw new Error('the key belongs to another certificate');
  const info: CertificateInfo = {
    subject: x509.subject,
    issuer: x509.issuer,
    names: x509.subjectAltName ?? '',
    fingerprint: x509.fingerprint256,
    validFrom: x509.validFromDate,
    validTo: x509.validToDate,
    selfSigned: x509.verify(x509.publicKey),
  };
  const secureContext = createSecureContext({
    cert: chainPem,
    key: keyPem,
    minVersion: 'TLSv1.2', // RFC 8996
    ciphers: [...TLS13_CIPHERS, ...TLS12_CIPHERS].join(':'),
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_COMPRESSION, // RFC 9325 3.3, 3.5
    sessionIdContext: 'rainmail',
    ticketKeys,
  });
  return { info, dnsNames: dnsNames(x509.subjectAltName), secureContext, chainPem, keyPem };
}
