/** A certificate of our own making, for an office that has none: mail clients ask once whether to trust it. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { writePrivateFile } from './private-file.ts';

const DAY = 86_400_000;
/** Some clients refuse a certificate that is valid for more than 825 days. */
const VALID_FOR = 820 * DAY;
export const RENEW_BEFORE = 30 * DAY;

/**
 * Sees to it that `file` holds a key and a self-signed certificate (PEM, both in one file) with a month to go at least.
 * @param names of the server, as clients call it; localhost and the loopback addresses are added
 * @returns true when it was made now
 */
export async function keepSelfSigned(file: string, names: readonly string[]): Promise<boolean> {
  if (await isGood(file)) return false;
  await writePrivateFile(file, await makeSelfSigned(names)); // key and certificate are there together, or neither
  return true;
}

async function isGood(file: string): Promise<boolean> {
  try {
    const { validToDate } = new X509Certificate(await readFile(file));
    return validToDate.getTime() - Date.now() > RENEW_BEFORE;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (code === 'ENOENT' || code.startsWith('ERR_OSSL')) return false; // none yet, or none that can be read as one
    throw error;
  }
}

async function makeSelfSigned(names: readonly string[]): Promise<string> {
  const { generate } = await import('selfsigned'); // used once in years: not loaded for the rest of them
  const all = [...new Set([...names, 'localhost', '127.0.0.1', '::1'])];
  const pem = await generate([{ name: 'commonName', value: all[0]! }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notBeforeDate: new Date(Date.now() - DAY), // clients whose clocks are late
    notAfterDate: new Date(Date.now() + VALID_FOR),
    extensions: [
      // No keyUsage: one without keyCertSign may not vouch for itself, and could not be trusted by a client's CA file.
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: all.map((name) => (isIP(name) === 0 ? { type: 2, value: name } : { type: 7, ip: name })),
      },
    ],
  });
  return pem.private + pem.cert;
}
