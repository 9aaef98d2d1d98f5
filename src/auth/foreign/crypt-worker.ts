/** The thread of crypt.ts. */
import { parentPort } from 'node:worker_threads';
import apacheMd5 from 'apache-md5';
import type { CryptRequest } from './crypt.ts';
import { shaCrypt } from './sha-crypt.ts';

/** As libxcrypt: a longer one fits no hash. The work grows with the length. */
const PASSWORD_LIMIT = 512;

// Its types tell of a default export within; it is the function itself.
const md5Crypt = apacheMd5 as unknown as (password: string, salt: string) => string;

parentPort!.on('message', (request: CryptRequest) => parentPort!.postMessage(crypt(request)));

function crypt({ variant, password, salt, rounds }: CryptRequest): string {
  const bytes = Buffer.from(password);
  if (bytes.length > PASSWORD_LIMIT) return '';
  if (variant === '5' || variant === '6') return shaCrypt(variant, bytes, Buffer.from(salt), rounds);
  return md5Crypt(bytes.toString('latin1'), `$${variant}$${salt}$`); // it takes a character for a byte
}
