/** What signs mail on its way out: the keys of our domains, the signatures, and the reverse paths of what is forwarded. */
import { hkdfSync } from 'node:crypto';
import type { Logger } from 'pino';
import type { Directory } from '../directory/directory.ts';
import type { Resolver } from '../dns/resolver.ts';
import { domainOf } from '../message/addresses.ts';
import type { Engine } from '../store/engine/engine.ts';
import type { EpochSeconds } from '../store/ids.ts';
import { Keyring } from './keyring.ts';
import { MessageSigner } from './signer.ts';
import { Srs } from './srs.ts';

export interface SigningOptions {
  readonly engine: Engine;
  readonly directory: Pick<Directory, 'domains' | 'domainAccess' | 'accountNames' | 'secret'>;
  readonly resolver: Pick<Resolver, 'query'>;
  readonly log: Logger;
  readonly onInternalError: (error: unknown) => void;
  /** For tests: the keys' clock. */
  readonly now?: () => EpochSeconds;
}

/** Keys of our own are derived from the directory's secret, each for one use. */
const SRS_USE = 'rainmail srs';
const SECRET_BYTES = 32;

export class Signing {
  readonly keyring: Keyring;
  readonly signer: MessageSigner;
  readonly srs: Srs;

  constructor({ directory, ...options }: SigningOptions) {
    const { onInternalError } = options;
    this.keyring = new Keyring({ ...options, domains: () => directory.domains() });
    this.signer = new MessageSigner({
      keyring: this.keyring,
      async domainOf(account) {
        const name = (await directory.accountNames([account])).get(account);
        return name === undefined ? undefined : domainOf(name);
      },
      onInternalError,
    });
    this.srs = srsOf(directory);
  }

  /** Looks after the keys from now on. */
  start(): void {
    this.keyring.start();
  }

  async close(): Promise<void> {
    await this.keyring.close();
  }
}

/** The rewriting of reverse paths with an office's own secret: the same at every start, and after a restore. */
export function srsOf(directory: Pick<Directory, 'domainAccess' | 'secret'>): Srs {
  const secret = new Uint8Array(hkdfSync('sha256', directory.secret, new Uint8Array(), SRS_USE, SECRET_BYTES));
  return new Srs({ secret, isOurs: async (domain) => (await directory.domainAccess(domain)) !== null });
}
