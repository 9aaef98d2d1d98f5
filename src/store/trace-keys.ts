/**
 * What a message of the trace is found by: a key for each address, its Message-ID, its numbers in the queue, the accounts that have it. Pure.
 *
 * A key is a hash, cheap and not secure: the message itself is looked at before it is believed ({@link matcher}).
 */
import { domainToASCII } from 'node:url';
import type { AccountId } from './ids.ts';
import type { Traced, TraceFilter, TraceRow } from './trace-types.ts';

/** 48 bits. */
const KEY_BYTES = 6;

function keyOf(kind: 'from' | 'to' | 'id' | 'queue' | 'account' | 'on', value: string | number): number {
  const text = `${kind} ${value}`;
  let [high, low] = [0x811c_9dc5, 0x9e37_79b9]; // FNV-1a and a sister of it
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    high = Math.imul(high ^ code, 0x0100_0193);
    low = Math.imul(low ^ code, 0x85eb_ca6b);
    low ^= low >>> 13;
  }
  return ((high >>> 16) & 0xffff) * 2 ** 32 + ((low ^ high) >>> 0);
}

/** Addresses as they are compared: a domain in Unicode is the same as in ASCII. */
function folded(address: string): string {
  const text = address.toLowerCase();
  if (ASCII.test(text)) return text;
  const at = text.lastIndexOf('@') + 1;
  const domain = domainToASCII(text.slice(at));
  return `${text.slice(0, at)}${domain === '' ? text.slice(at) : domain}`.normalize('NFC');
}

/** Most are, and it is quicker to see than to normalise. */
const ASCII = /^[\x20-\x7e]*$/;

/** Everybody in whose mail it is, or was to be. */
function accountsOf({ account, filed = [], unfiled = [], sent, queued = [] }: Traced): Set<AccountId> {
  const accounts = new Set<AccountId>();
  if (account !== undefined) accounts.add(account);
  if (sent !== undefined) accounts.add(sent.account);
  for (const list of [filed, unfiled]) for (const each of list) accounts.add(each.account);
  for (const each of queued) if (each.shared !== true) accounts.add(each.account);
  return accounts;
}

/** The keys of a message, as its row keeps them; one may be there twice. */
export function keysOf(message: Traced, messageId: string | null): Buffer {
  const keys = [keyOf('from', folded(message.sender))];
  for (const author of message.authors ?? []) keys.push(keyOf('from', folded(author)));
  for (const { address } of message.recipients) keys.push(keyOf('to', folded(address)));
  if (messageId !== null) keys.push(keyOf('id', messageId));
  for (const { queue, from, forRoom } of message.queued ?? []) {
    keys.push(keyOf('queue', queue));
    if (from !== undefined && forRoom !== true) keys.push(keyOf('on', from));
  }
  for (const account of accountsOf(message)) keys.push(keyOf('account', account));
  const packed = Buffer.allocUnsafe(keys.length * KEY_BYTES);
  for (let at = 0; at < keys.length; at++) packed.writeUIntBE(keys[at]!, at * KEY_BYTES, KEY_BYTES);
  return packed;
}

export function unpacked(keys: Uint8Array): number[] {
  const bytes = Buffer.from(keys.buffer, keys.byteOffset, keys.length);
  return Array.from({ length: keys.length / KEY_BYTES }, (_, at) => bytes.readUIntBE(at * KEY_BYTES, KEY_BYTES));
}

/** What a filter is looked up by, the one that leaves least first; undefined: only by time. Parts of addresses have no keys. */
export function keyFor({ messageId, queue, onFrom, from, to, account }: TraceFilter): number | undefined {
  if (messageId !== undefined) return keyOf('id', bare(messageId));
  if (queue !== undefined) return keyOf('queue', queue);
  if (onFrom !== undefined) return keyOf('on', onFrom);
  if (from !== undefined && !isPart(from)) return keyOf('from', sought(from));
  if (to !== undefined && !isPart(to)) return keyOf('to', sought(to));
  return account === undefined ? undefined : keyOf('account', account);
}

/** Tells whether a message fits. */
export function matcher({ messageId, as, queue, onFrom, from, to, account }: TraceFilter): (row: TraceRow) => boolean {
  const [fromFits, toFits] = [from, to].map((text) => (text === undefined ? undefined : addressMatcher(text)));
  const id = messageId === undefined ? undefined : bare(messageId);
  return ({ message, messageId: itsId }) =>
    (id === undefined || itsId === id) &&
    (as === undefined || message.id === as) &&
    (queue === undefined || (message.queued ?? []).some((each) => each.queue === queue)) &&
    (onFrom === undefined || (message.queued ?? []).some((each) => each.from === onFrom)) &&
    (fromFits === undefined || [message.sender, ...(message.authors ?? [])].some(fromFits)) &&
    (toFits === undefined || message.recipients.some(({ address }) => toFits(address))) &&
    (account === undefined || accountsOf(message).has(account));
}

function addressMatcher(wanted: string): (address: string) => boolean {
  const text = sought(wanted);
  if (!isPart(wanted)) return (address) => folded(address) === text;
  if (text.startsWith('@')) return (address) => folded(address).endsWith(text);
  return (address) => {
    const whole = folded(address);
    const at = whole.lastIndexOf('@');
    const domain = whole.slice(at + 1);
    return domain === text || domain.endsWith(`.${text}`) || whole.slice(0, Math.max(at, 0)) === text;
  };
}

/** `example.org`, `@example.org` or `anna`, and not the null sender. */
function isPart(text: string): boolean {
  return text !== '<>' && text !== '' && text.lastIndexOf('@') <= 0;
}

function sought(text: string): string {
  return text === '<>' ? '' : folded(text);
}

function bare(messageId: string): string {
  return messageId.trim().replace(/^<(.*)>$/, '$1');
}
