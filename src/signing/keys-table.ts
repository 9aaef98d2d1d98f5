/** The keys as the store keeps them. */
import type { Reader, Writer } from '../store/engine/engine.ts';
import { sql } from '../store/engine/sql.ts';
import type { EpochSeconds } from '../store/ids.ts';
import type { DkimKey, KeyAlgorithm, KeyPair, KeyState } from './key.ts';

type KeyRow = readonly [
  domain: string,
  selector: string,
  algorithm: string,
  state: string,
  created: number,
  since: number,
  publicKey: string,
];

const KEY = 'domain, selector, algorithm, state, created, since, public_key';
const OF_DOMAIN = sql<KeyRow>(
  `SELECT ${KEY} FROM dkim_key WHERE domain = ? ORDER BY created, algorithm DESC, selector`,
);
const SIGNING = sql<readonly [...KeyRow, privateKey: string]>(
  `SELECT ${KEY}, private_key FROM dkim_key WHERE domain = ? AND state = 'signing' ORDER BY created, algorithm DESC, selector`,
);
const INSERT = sql(`INSERT INTO dkim_key (${KEY}, private_key) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`);
const SET_STATE = sql('UPDATE dkim_key SET state = ?, since = ? WHERE domain = ? AND selector = ?');
const RETIRE = sql(`
  UPDATE dkim_key SET state = 'retired', since = ?, private_key = ''
  WHERE domain = ? AND algorithm = ? AND state <> 'retired' AND selector <> ?`);
const DELETE = sql('DELETE FROM dkim_key WHERE domain = ? AND selector = ?');
const DELETE_FOREIGN = sql('DELETE FROM dkim_key WHERE domain NOT IN (SELECT name FROM domain)');
const FOREIGN = sql<readonly [domain: string]>(
  'SELECT DISTINCT domain FROM dkim_key WHERE domain NOT IN (SELECT name FROM domain)',
);

/** The keys of a domain, the oldest first. */
export async function keysOf(tx: Reader, domain: string): Promise<DkimKey[]> {
  return (await tx.all(OF_DOMAIN, domain)).map(keyOf);
}

/** Those that sign, with what they sign with: secret. */
export async function signingKeysOf(
  tx: Reader,
  domain: string,
): Promise<(DkimKey & { readonly privateKey: string })[]> {
  return (await tx.all(SIGNING, domain)).map(([...row]) => {
    const privateKey = row.pop() as string;
    return { ...keyOf(row as unknown as KeyRow), privateKey };
  });
}

export async function insertKey(tx: Writer, key: DkimKey, { privateKey }: KeyPair): Promise<void> {
  const { domain, selector, algorithm, state, created, since, publicKey } = key;
  await tx.run(INSERT, domain, selector, algorithm, state, created, since, publicKey, privateKey);
}

/**
 * From now on it signs, and no other of its algorithm ever again.
 * @returns false, and nothing is changed, when it does not wait any more: it signs already, or was replaced meanwhile and has nothing to sign with
 */
export async function beginSigning(
  tx: Writer,
  { domain, selector, algorithm }: DkimKey,
  now: EpochSeconds,
): Promise<boolean> {
  const key = (await keysOf(tx, domain)).find((each) => each.selector === selector);
  if (key?.state !== 'waiting') return false;
  await tx.run(RETIRE, now, domain, algorithm, selector);
  await tx.run(SET_STATE, 'signing', now, domain, selector);
  return true;
}

export async function deleteKey(tx: Writer, { domain, selector }: DkimKey): Promise<void> {
  await tx.run(DELETE, domain, selector);
}

/** Deletes the keys of names that are no domains of ours any more. @returns these names */
export async function deleteForeignKeys(tx: Writer): Promise<string[]> {
  const domains = (await tx.all(FOREIGN)).map(([domain]) => domain);
  if (domains.length > 0) await tx.run(DELETE_FOREIGN);
  return domains;
}

function keyOf([domain, selector, algorithm, state, created, since, publicKey]: KeyRow): DkimKey {
  return {
    domain,
    selector,
    algorithm: algorithm as KeyAlgorithm,
    state: state as KeyState,
    created,
    since,
    publicKey,
  };
}
