/**
 * Signs what leaves: with DKIM what was written here, in the name of its author's domain; with ARC what is forwarded.
 *
 * Invariants
 * - What was not written here is never signed in the name of its author, whoever it says that is.
 * - A message that can't be signed leaves without a signature: nobody loses mail by it.
 */
import { parseDomain } from '../directory/address.ts';
import { Lru } from '../lru.ts';
import { mailboxesOf, readAddresses } from '../message/addresses.ts';
import { Header } from '../message/header.ts';
import type { AccountId, EpochSeconds, QueueId } from '../store/ids.ts';
import { nowSeconds } from '../store/ids.ts';
import type { QueuedMessage } from '../store/queue.ts';
import { arcSet, findingsIn } from './arc.ts';
import { dkimSignature } from './dkim.ts';
import type { SigningKey } from './key.ts';
import type { Keyring } from './keyring.ts';
import { readSignable } from './signable.ts';

export interface MessageSignerOptions {
  readonly keyring: Pick<Keyring, 'signing' | 'generation'>;
  /** The domain of an account's address; undefined: there is no such account any more. */
  readonly domainOf: (account: AccountId) => Promise<string | undefined>;
  /** Hears of what could not be signed. */
  readonly onInternalError: (error: unknown) => void;
  /** For tests. */
  readonly now?: () => EpochSeconds;
}

const NOTHING = Buffer.alloc(0);
/** Messages whose signatures are remembered, about 2 KB each: one goes to many destinations, and is tried again at some. */
const MESSAGES_REMEMBERED = 1_000;

type SignedMessage = Pick<QueuedMessage, 'id' | 'account' | 'prefix' | 'options'>;

export class MessageSigner {
  readonly #options: MessageSignerOptions;
  readonly #signed = new Lru<QueueId, Promise<Buffer>>(MESSAGES_REMEMBERED);
  /** The keyring's, when what is in {@link #signed} was signed. */
  #generation = 0;

  constructor(options: MessageSignerOptions) {
    this.#options = options;
  }

  /**
   * @param read  reads the message from its first byte, as it leaves
   * @returns header lines that go before it, each ended by CRLF; none when nothing can sign it
   */
  sign(message: SignedMessage, read: () => AsyncIterable<Buffer>): Promise<Buffer> {
    const { keyring } = this.#options;
    if (keyring.generation !== this.#generation) {
      this.#signed.clear();
      this.#generation = keyring.generation;
    }
    const known = this.#signed.get(message.id);
    if (known !== undefined) return known;
    const signed = this.#sign(message, read());
    this.#signed.set(message.id, signed);
    signed.catch(() => this.#signed.delete(message.id));
    return signed;
  }

  async #sign(message: SignedMessage, read: AsyncIterable<Buffer>): Promise<Buffer> {
    return message.options.ours === true ? this.#dkim(read) : this.#arc(message, read);
  }

  async #dkim(read: AsyncIterable<Buffer>): Promise<Buffer> {
    let keys: readonly SigningKey[] = [];
    const message = await readSignable(read, async (header) => {
      const domain = authorsDomain(header);
      if (domain !== undefined) keys = await this.#keysFor(domain);
      return keys.length > 0;
    });
    if (message === null) return NOTHING;
    const now = this.#now();
    return this.#made(async () => (await Promise.all(keys.map((key) => dkimSignature(message, key, now)))).join(''));
  }

  async #arc({ account, prefix }: SignedMessage, read: AsyncIterable<Buffer>): Promise<Buffer> {
    const findings = findingsIn(prefix);
    const domain = findings === undefined ? undefined : await this.#options.domainOf(account);
    if (findings === undefined || domain === undefined) return NOTHING;
    // Whoever checks chains knows RSA; not all know the other.
    const key = (await this.#options.keyring.signing(domain)).find(({ algorithm }) => algorithm === 'rsa');
    if (key === undefined) return NOTHING;
    const message = await readSignable(read, async () => true);
    return message === null ? NOTHING : this.#made(() => arcSet(message, findings, key, this.#now()));
  }

  /** Those of a domain, or of one above it, which DMARC takes for its own (RFC 7489 3.1): so the server's reports are signed, too. */
  async #keysFor(domain: string): Promise<readonly SigningKey[]> {
    for (let name = domain; name.includes('.'); name = name.slice(name.indexOf('.') + 1)) {
      const keys = await this.#options.keyring.signing(name);
      if (keys.length > 0) return keys;
    }
    return [];
  }

  async #made(make: () => Promise<string>): Promise<Buffer> {
    try {
      return Buffer.from(await make(), 'latin1');
    } catch (error) {
      this.#options.onInternalError(error);
      return NOTHING;
    }
  }

  #now(): EpochSeconds {
    return (this.#options.now ?? nowSeconds)();
  }
}

/** The domain of who wrote a message, in canonical form; undefined: there is none, or several. */
function authorsDomain(header: Buffer): string | undefined {
  const from = new Header(header.toString('latin1')).all('from');
  if (from.length !== 1) return undefined; // RFC 5322 3.6: one
  const domains = new Set(
    // RFC 6532 3.2: it may stand in UTF-8.
    mailboxesOf(readAddresses(from[0]!)).map(({ domain }) => parseDomain(Buffer.from(domain, 'latin1').toString())),
  );
  const [domain] = domains;
  return domains.size === 1 && domain !== null ? domain : undefined;
}
