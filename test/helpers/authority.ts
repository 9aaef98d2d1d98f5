/** A certificate authority of a test's own, and certificates of its making: good ones, and those that nobody should trust. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { generate } from 'selfsigned';

/** PEM. */
export interface Certificate {
  readonly key: string;
  /** What a server sends: its own certificate first. */
  readonly cert: string;
}

export interface IssueOptions {
  readonly expired?: boolean;
  /** It may issue others itself. */
  readonly authority?: boolean;
}

const KEYS = { keyType: 'ec', algorithm: 'sha256' } as const;
const EXPIRED = { notBeforeDate: new Date('2020-01-01'), notAfterDate: new Date('2020-12-31') } as const;

export class Authority {
  readonly key: string;
  /** PEM: its own certificate. */
  readonly own: string;
  /** Those above it, which a server sends, too. */
  readonly #above: string;

  private constructor(key: string, own: string, above: string) {
    this.key = key;
    this.own = own;
    this.#above = above;
  }

  static async make(name = 'Test authority'): Promise<Authority> {
    const { private: key, cert } = await generate([{ name: 'commonName', value: name }], {
      ...KEYS,
      extensions: authorityExtensions(true),
    });
    return new Authority(key, cert, '');
  }

  /** A certificate for a server with these names. */
  async issue(names: readonly string[], options: IssueOptions = {}): Promise<Certificate> {
    const { private: key, cert } = await generate([{ name: 'commonName', value: names[0]! }], {
      ...KEYS,
      ...(options.expired ? EXPIRED : {}),
      ca: { key: this.key, cert: this.own },
      extensions: [
        ...authorityExtensions(options.authority ?? false),
        { name: 'extKeyUsage', serverAuth: true },
        { name: 'subjectAltName', altNames: names.map((value) => ({ type: 2, value })) },
      ],
    });
    return { key, cert: [cert, this.own, this.#above].join('\n') };
  }

  /** One below it. @param allowed  false: its certificate says that it is none */
  async below(name: string, allowed = true): Promise<Authority> {
    const { private: key, cert } = await generate([{ name: 'commonName', value: name }], {
      ...KEYS,
      ca: { key: this.key, cert: this.own },
      extensions: authorityExtensions(allowed),
    });
    return new Authority(key, cert, [this.own, this.#above].join('\n'));
  }
}

/** One that this process trusts as it does those of its system, till the tests of the file have ended. */
export async function trustedAuthority(): Promise<Authority> {
  const usual = getCACertificates('default');
  const authority = await Authority.make();
  setDefaultCACertificates([...usual, authority.own]);
  after(() => setDefaultCACertificates(usual));
  return authority;
}

/** A certificate that nobody has issued but its owner. */
export async function selfSigned(name: string): Promise<Certificate> {
  const { private: key, cert } = await generate([{ name: 'commonName', value: name }], {
    ...KEYS,
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: name }] }],
  });
  return { key, cert };
}

function authorityExtensions(cA: boolean) {
  const constraints = { name: 'basicConstraints', cA, critical: true } as const;
  return cA ? [constraints, { name: 'keyUsage', keyCertSign: true, critical: true } as const] : [constraints];
}

export interface Issued {
  /** PEM files: of the authority, and of the server with its key. */
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

/** Makes an authority and a certificate for a server with these names, as files in a folder. */
export async function issueCertificate(folder: string, names: readonly string[]): Promise<Issued> {
  const authority = await Authority.make();
  const { cert, key } = await authority.issue(names);
  const files = { authority: authority.own, certificate: cert, key };
  const issued = {
    authority: join(folder, 'ca.pem'),
    certificate: join(folder, 'cert.pem'),
    key: join(folder, 'key.pem'),
  };
  await Promise.all(
    Object.entries(files).map(([name, pem]) => writeFile(issued[name as keyof Issued], pem, { mode: 0o600 })),
  );
  return issued;
}
