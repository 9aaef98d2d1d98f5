/** Numbered migrations: each runs once, in order, in one transaction with the row that records it. */
import { Refused } from '../../errors.ts';
import { FIRST_SCHEMA } from './0001-first.ts';
import { KEEPING_SCHEMA } from './0002-keeping.ts';
import { SENT_SCHEMA } from './0003-sent.ts';
import { DEVICE_SCHEMA } from './0004-devices.ts';
import { POLICY_SCHEMA } from './0005-policy.ts';
import { OUTSIDE_SCHEMA } from './0006-outside.ts';
import { POP3_SCHEMA } from './0007-pop3.ts';
import { QUEUE_SCHEMA } from './0008-queue.ts';
import { TRACE_SCHEMA } from './0009-trace.ts';
import { SIGNING_SCHEMA } from './0010-signing.ts';
import { FORWARDING_SCHEMA } from './0011-forwarding.ts';
import { TLS_POLICY_SCHEMA } from './0012-tls-policies.ts';
import { WAITING_SCHEMA } from './0013-waiting.ts';

export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly statements: readonly string[];
}

export const MIGRATIONS: readonly Migration[] = [
  { version: 1, name: 'first', statements: FIRST_SCHEMA },
  { version: 2, name: 'keeping', statements: KEEPING_SCHEMA },
  { version: 3, name: 'sent', statements: SENT_SCHEMA },
  { version: 4, name: 'devices', statements: DEVICE_SCHEMA },
  { version: 5, name: 'policy', statements: POLICY_SCHEMA },
  { version: 6, name: 'outside', statements: OUTSIDE_SCHEMA },
  { version: 7, name: 'pop3', statements: POP3_SCHEMA },
  { version: 8, name: 'queue', statements: QUEUE_SCHEMA },
  { version: 9, name: 'trace', statements: TRACE_SCHEMA },
  { version: 10, name: 'signing', statements: SIGNING_SCHEMA },
  { version: 11, name: 'forwarding', statements: FORWARDING_SCHEMA },
  { version: 12, name: 'tls policies', statements: TLS_POLICY_SCHEMA },
  { version: 13, name: 'waiting', statements: WAITING_SCHEMA },
];

/** Made by the engine before any of them. */
export const MIGRATION_TABLE =
  'CREATE TABLE IF NOT EXISTS migration (version INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, applied INTEGER NOT NULL)';

export const NEWEST_VERSION: number = MIGRATIONS.at(-1)!.version;

/** What still has to run on a store of this version. @throws Refused when the store is newer than this program */
export function migrationsAfter(version: number): readonly Migration[] {
  if (version > NEWEST_VERSION) {
    throw new Refused(
      'store.newer',
      `This data directory was written by a newer Rainmail (schema ${version}, this program knows ${NEWEST_VERSION}). Install that version or a later one.`,
    );
  }
  return MIGRATIONS.filter((migration) => migration.version > version);
}
