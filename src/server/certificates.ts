/** The certificates of the running server: where each comes from, until when it is good, and the one who renews them. */
import type { TLSSocketOptions } from 'node:tls';
import type { Logger } from 'pino';
import { HttpChallenges, TlsAlpnChallenges } from '../acme/challenges.ts';
import { CertificateKeeper, type KeptState, type Renewed } from '../acme/keeper.ts';
import { AcmeState } from '../acme/state.ts';
import { type Config, certificateFiles } from '../config/schema.ts';
import { Refused } from '../errors.ts';
import { dnsNames } from '../net/certificate-names.ts';
import { type CertificateState, Certificates } from '../net/certificates.ts';
import { partLog } from './log.ts';

export interface ServerCertificateOptions {
  readonly config: Config;
  /** The data directory. */
  readonly data: string;
  /** Of this server. */
  readonly name: string;
  readonly log: Logger;
  readonly onInternalError: () => void;
}

/** One certificate, for people and programs. Moments are ISO 8601. */
export interface CertificateReport {
  /** Its first name; of one from ACME, the first that it should have. */
  readonly name: string;
  readonly from: 'files' | 'acme' | 'self-signed';
  /** The one for clients that ask for no name, or for one that no certificate has. */
  readonly main: boolean;
  readonly file: string;
  /** Null, as all that follows, while there is none. */
  readonly names: string | null;
  readonly issuer: string | null;
  readonly fingerprint: string | null;
  readonly validFrom: string | null;
  readonly validTo: string | null;
  /** When it will be renewed; null: not by this server. */
  readonly renewal: string | null;
  /** Why the files can't be used, or why the last try to renew it failed; null: all is well. */
  readonly problem: string | null;
  /** When that is tried again. */
  readonly retryAt: string | null;
}

export class ServerCertificates {
  readonly #certificates: Certificates;
  readonly #keeper: CertificateKeeper | null;
  readonly #acme: AcmeState;
  readonly challenges: { readonly http: HttpChallenges; readonly tls: TlsAlpnChallenges };

  private constructor(
    certificates: Certificates,
    keeper: CertificateKeeper | null,
    acme: AcmeState,
    challenges: ServerCertificates['challenges'],
  ) {
    this.#certificates = certificates;
    this.#keeper = keeper;
    this.#acme = acme;
    this.challenges = challenges;
  }

  /** @throws Refused `config.invalid` */
  static async open(options: ServerCertificateOptions): Promise<ServerCertificates> {
    const { config, data, name, log, onInternalError } = options;
    const state = new AcmeState(data);
    const groups = config.acme.enabled ? groupsOf(config, name) : [];
    const certificates = await Certificates.open({
      files: certificateFiles(config.tls),
      kept: groups.map(([first]) => state.files(first!)),
      directory: data,
      names: [name, 'localhost'],
      log: partLog(log, 'tls'),
    });
    const challenges = { http: new HttpChallenges(), tls: new TlsAlpnChallenges() };
    try {
      const keeper = config.acme.enabled
        ? await CertificateKeeper.open({
            ...config.acme,
            groups,
            challenges,
            certificates,
            state,
            log: partLog(log, 'acme'),
            onInternalError,
          })
        : null;
      return new ServerCertificates(certificates, keeper, state, challenges);
    } catch (error) {
      certificates.close();
      throw error;
    }
  }

  /** Begins to renew: when the services http and https listen. */
  start(): void {
    this.#keeper?.start();
  }

  /** For a handshake of a line protocol that begins now. */
  tlsOptions(): TLSSocketOptions {
    return this.#certificates.tlsOptions();
  }

  /** For one of the service https. @param protocol  what is spoken there */
  httpsOptions(protocol: string): TLSSocketOptions {
    return this.#certificates.tlsOptions({ protocols: [protocol], special: this.challenges.tls });
  }

  /** Chain and key of the certificate for a name, PEM, to sign with: handle with care. */
  signer(name: string): { readonly chain: Buffer; readonly key: Buffer } {
    return this.#certificates.signer(name);
  }

  /** Reads the files anew. @returns false when some can't be used */
  reload(): Promise<boolean> {
    return this.#certificates.reload();
  }

  states(): CertificateReport[] {
    const kept = new Map((this.#keeper?.states() ?? []).map((one) => [this.#acme.files(one.name).certificate, one]));
    return this.#certificates.states().map((state) => reportOf(state, kept.get(state.files.certificate)));
  }

  /** @throws Refused `directory.missing`, `acme.wait`; `config.invalid` when no certificates are ordered at all */
  renew(name: string | null, force: boolean, signal: AbortSignal): Promise<Renewed[]> {
    if (this.#keeper === null) {
      throw new Refused(
        'config.invalid',
        'No certificates are ordered by this server: acme.enabled is false. Files of yours are read again by themselves when they change.',
      );
    }
    return this.#keeper.renew(name, force, signal);
  }

  async close(): Promise<void> {
    await this.#keeper?.close();
    this.#certificates.close();
  }
}

/** What is to be ordered. @throws Refused `config.invalid` */
function groupsOf({ acme, listen }: Config, name: string): readonly (readonly string[])[] {
  const service = acme.challenge === 'http-01' ? 'http' : 'https';
  if (listen[service] === false) {
    throw new Refused(
      'config.invalid',
      `acme.challenge: "${acme.challenge}" is answered by the service ${service}, which is off: set listen.${service} = true.`,
    );
  }
  if (acme.names.length > 0) return acme.names;
  if (!name.includes('.')) {
    throw new Refused(
      'config.invalid',
      `acme.names: a certificate authority can't check "${name}", the name of this server. Set name, or acme.names, to a whole host name such as "mail.example.org".`,
    );
  }
  return [[name.toLowerCase()]];
}

function reportOf({ files, main, info, problem }: CertificateState, kept: KeptState | undefined): CertificateReport {
  const selfSigned = files.certificate.endsWith('/self-signed.pem');
  return {
    name: kept?.name ?? (info === null ? files.certificate : (dnsNames(info.names)[0] ?? info.subject)),
    from: kept !== undefined ? 'acme' : selfSigned ? 'self-signed' : 'files',
    main,
    file: files.certificate,
    names: info?.names ?? null,
    issuer: info?.issuer ?? null,
    fingerprint: info?.fingerprint ?? null,
    validFrom: info?.validFrom.toISOString() ?? null,
    validTo: info?.validTo.toISOString() ?? null,
    renewal: iso(kept?.renewal ?? null),
    problem: kept?.problem?.text ?? problem,
    retryAt: iso(kept?.retryAt ?? null),
  };
}

function iso(moment: number | null): string | null {
  return moment === null ? null : new Date(moment).toISOString();
}
