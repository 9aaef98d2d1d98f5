/**
 * The Sender Rewriting Scheme: the reverse path of mail that is forwarded. With the old one the next server would find that we may not send for
 * its domain (SPF); with one of ours reports still find back, since it holds the old one.
 *
 *   anna@example.org                            ->  SRS0=hash=day=example.org=anna@office.test
 *   SRS0=hash=day=example.org=anna@first.test   ->  SRS1=hash=first.test==hash=day=example.org=anna@office.test
 *
 * Invariants
 * - Only what this server made leads anywhere, and only for {@link DAYS}: else it would relay for whoever writes such an address.
 * - Case tells nothing: the servers in between may change it. The old local part keeps the case in which it comes back.
 * - No local part is longer than every server must take (RFC 5321 4.5.3.1.1).
 *
 * SPF passes for mail that is forwarded so, in the name of our domain. Whoever forwards must have refused before what claims to be from
 * one of our own domains and is not: it would be believed.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { type Address, formatAddress, parseDomain } from '../directory/address.ts';
import { type EpochSeconds, nowSeconds } from '../store/ids.ts';

export interface SrsOptions {
  /** What the hashes are made with. Who knows it can relay through this server. */
  readonly secret: Uint8Array;
  /** Is it one of our domains? It stands in canonical form. */
  readonly isOurs: (domain: string) => boolean | Promise<boolean>;
  /** For tests. */
  readonly now?: () => EpochSeconds;
}

/** Reports come for as long as servers keep trying, which is days; three weeks leave room for slow ones. */
const DAYS = 21;
const DAY: EpochSeconds = 86_400;
/** The day goes round after so many: it is two characters of {@link BASE32}. */
const DAYS_COUNTED = 1_024;
/** 30 bits: whoever guesses needs a billion RCPTs for one address, and is turned away after a hundred (checks/limits). */
const HASH_CHARACTERS = 6;
/** RFC 5321 4.5.3.1.1 */
const LOCAL_LIMIT = 64;
/** RFC 4648 6, in lower case. */
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

const REWRITTEN = /^SRS([01])[-+=](.+)$/is;
/** What follows `SRS0=`: hash, day, domain, local part. */
const ZERO = /^([^=]+)=([^=]+)=([^=]+)=(.+)$/s;
/** What follows `SRS1=`: hash, the first server, and what followed `SRS0` there, its separator with it. */
const ONE = /^([^=]+)=([^=]+)=([-+=].+)$/s;

export class Srs {
  readonly #options: SrsOptions;

  constructor(options: SrsOptions) {
    this.#options = options;
  }

  /**
   * The reverse path with which mail is forwarded.
   * @param sender  its reverse path so far, without angle brackets; empty: the null sender, which stays
   * @param forwarder  address of the account that forwards it; takes the reports where the sender's address is too long to be held
   */
  async forward(sender: string, forwarder: string): Promise<string> {
    const from = split(sender);
    if (from === null || (await this.#options.isOurs(from.domain))) return sender;
    const { domain } = split(forwarder)!;
    const local = this.#rewritten(from);
    return Buffer.byteLength(local) > LOCAL_LIMIT ? forwarder : formatAddress({ local, domain });
  }

  /**
   * The address that one of ours stands for; undefined when it is none, too old, or not made here.
   * Ask only for what comes with the null sender: reports have it (RFC 3464 2), and nobody else has to write there.
   */
  reverse(address: string): string | undefined {
    const [, kind, rest] = REWRITTEN.exec(split(address)?.local ?? '') ?? [];
    return kind === '0' ? this.#reverseZero(rest!) : kind === '1' ? this.#reverseOne(rest!) : undefined;
  }

  #rewritten({ local, domain }: Address): string {
    const [, kind, rest] = REWRITTEN.exec(local) ?? [];
    const known = kind === '1' ? ONE.exec(rest!) : null;
    // The first server's address is enough, however many have forwarded it since.
    if (known !== null) return this.#one(known[2]!, known[3]!);
    if (kind === '0') return this.#one(domain, local.slice('SRS0'.length));
    const day = dayOf(this.#now());
    return `SRS0=${this.#hash('0', day, domain, local)}=${day}=${domain}=${local}`;
  }

  #one(first: string, rest: string): string {
    return `SRS1=${this.#hash('1', first, rest)}=${first}=${rest}`;
  }

  #reverseZero(text: string): string | undefined {
    const [, hash, day, domain, local] = ZERO.exec(text) ?? [];
    if (hash === undefined || !this.#isOurs(hash, '0', day!, domain!, local!)) return undefined;
    return isRecent(day!, this.#now()) ? written(local!, domain!) : undefined;
  }

  /** How old it is says the address inside, which the first server reads. */
  #reverseOne(text: string): string | undefined {
    const [, hash, first, rest] = ONE.exec(text) ?? [];
    if (hash === undefined || !this.#isOurs(hash, '1', first!, rest!)) return undefined;
    return written(`SRS0${rest}`, first!);
  }

  #isOurs(hash: string, ...parts: readonly string[]): boolean {
    const [given, expected] = [Buffer.from(hash.toLowerCase()), Buffer.from(this.#hash(...parts))];
    return given.length === expected.length && timingSafeEqual(given, expected);
  }

  #hash(...parts: readonly string[]): string {
    const digest = createHmac('sha256', this.#options.secret).update(parts.join('=').toLowerCase()).digest();
    return Array.from(digest.subarray(0, HASH_CHARACTERS), (byte) => BASE32[byte & 31]).join('');
  }

  #now(): EpochSeconds {
    return (this.#options.now ?? nowSeconds)();
  }
}

/** An address with its local part as it was written, its quotes taken off; null: it is none, or has no domain. */
function split(address: string): Address | null {
  const at = address.lastIndexOf('@');
  const domain = at < 0 ? null : parseDomain(address.slice(at + 1));
  if (domain === null) return null;
  const text = address.slice(0, at);
  const local = /^".*"$/s.test(text) ? text.slice(1, -1).replace(/\\(.)/gs, '$1') : text;
  return { local, domain };
}

/** What was inside, as an address again; undefined: it can't be one. */
function written(local: string, domain: string): string | undefined {
  const canonical = parseDomain(domain);
  return canonical === null ? undefined : formatAddress({ local, domain: canonical });
}

function dayOf(now: EpochSeconds): string {
  const day = Math.floor(now / DAY) % DAYS_COUNTED;
  return `${BASE32[day >> 5]}${BASE32[day & 31]}`;
}

function isRecent(day: string, now: EpochSeconds): boolean {
  for (let ago = 0; ago <= DAYS; ago++) if (day.toLowerCase() === dayOf(now - ago * DAY)) return true;
  return false;
}
