/** A certificate authority for a test, and a certificate of its making: for clients that trust an authority, not a certificate. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generate } from 'selfsigned';

export interface Issued {
  /** PEM files: of the authority, and of the server with its key. */
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

/** Makes an authority and a certificate for a server with these names, as files in a folder. */
export async function issueCertificate(folder: string, names: readonly string[]): Promise<Issued> {
  const keys = { keyType: 'ec', algorithm: 'sha256' } as const;
  const authority = await generate([{ name: 'commonName', value: 'Test authority' }], {
    ...keys,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, critical: true },
    ],
  });
  const server = await generate([{ name: 'commonName', value: names[0]! }], {
    ...keys,
    ca: { key: authority.private, cert: authority.cert },
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      { name: 'subjectAltName', altNames: names.map((value) => ({ type: 2, value })) },
    ],
  });
  const files = { authority: authority.cert, certificate: server.cert, key: server.private };
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
