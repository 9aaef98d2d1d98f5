import { z } from 'zod';
import type { LdapState } from '../../ldap/ldap.ts';
import { freeBytesIn } from '../../store/disk-space.ts';
import type { BackupState } from '../backups.ts';
import type { CertificateReport } from '../certificates.ts';
import type { ServerFacts } from '../office.ts';
import { action } from './action.ts';

export interface Status {
  readonly data: string;
  /** Null: no server runs. */
  readonly server: ServerFacts | null;
  readonly trial: boolean;
  readonly domains: number;
  readonly accounts: number;
  readonly messages: number;
  readonly bytes: number;
  /** Of the disk that holds the data directory. */
  readonly freeBytes: number;
  /** That is less than `store.reserve`: no mail is taken in. */
  readonly diskLow: boolean;
  /** What waits to leave for other servers; `oldest`: since when, as in ISO 8601, null: nothing does. */
  readonly queue: {
    readonly messages: number;
    readonly recipients: number;
    readonly held: number;
    readonly oldest: string | null;
  };
  readonly backup: BackupState;
  /** Null: no server runs. */
  readonly certificates: readonly CertificateReport[] | null;
  /** Where people live who do not live here; null: nobody does, or the server does not run. */
  readonly ldap: LdapState | null;
}

/** What the office holds, and whether its server runs. */
export const status = action({
  name: 'status',
  input: z.strictObject({}),
  async run({ data, store, directory, server, backups, certificates, ldap }): Promise<Status> {
    let [accounts, messages, bytes] = [0, 0, 0];
    for await (const account of directory.accounts()) {
      accounts++;
      messages += account.messages;
      bytes += account.usedBytes;
    }
    const domains = (await directory.domains()).length;
    const size = await store.queue.size();
    return {
      data,
      server,
      trial: directory.trial,
      domains,
      accounts,
      messages,
      bytes,
      freeBytes: await freeBytesIn(data),
      diskLow: store.diskLow,
      queue: {
        messages: size.messages,
        recipients: size.recipients,
        held: size.held,
        oldest: size.oldest === null ? null : new Date(size.oldest * 1_000).toISOString(),
      },
      backup: backups.state(),
      certificates: certificates?.states() ?? null,
      ldap: ldap?.state() ?? null,
    };
  },
});
