/** The LDAP directory in which people live. */
import { z } from 'zod';
import { Refused } from '../../errors.ts';
import type { CheckReport } from '../../ldap/check.ts';
import type { Ldap } from '../../ldap/ldap.ts';
import type { RefreshReport } from '../../ldap/synchroniser.ts';
import type { Office } from '../office.ts';
import { action } from './action.ts';

export interface PeopleMoved {
  readonly addresses: readonly string[];
}

const addresses = z.array(z.string()).min(1).max(1_000);

/** Looks whether the settings are right, and at one person if one is named; changes nothing. */
export const checkLdap = action({
  name: 'ldap.check',
  input: z.strictObject({ address: z.string().nullable() }),
  run: (office, { address }): Promise<CheckReport> => ldapOf(office).check(address),
});

/** Reads everything now, and brings the directory here up to date. */
export const refreshLdap = action({
  name: 'ldap.refresh',
  input: z.strictObject({ suspendMany: z.boolean() }),
  run: (office, { suspendMany }, { signal, progress }): Promise<RefreshReport> =>
    ldapOf(office).refresh({
      suspendMany,
      signal,
      progress: (done, total) => progress({ what: 'people', done, total, unit: 'accounts' }),
    }),
});

/** Accounts made here become those of people who live there. `addresses` null: all whose address somebody has there. */
export const adoptPeople = action({
  name: 'ldap.adopt',
  input: z.strictObject({ addresses: addresses.nullable() }),
  async run(office, { addresses }, { actor }): Promise<PeopleMoved> {
    return { addresses: await ldapOf(office).adopt(actor, addresses) };
  },
});

/** People who live there live here from now on, without a password until one is set. */
export const releasePeople = action({
  name: 'ldap.release',
  input: z.strictObject({ addresses: addresses.nullable() }),
  async run({ directory }, { addresses }, { actor }): Promise<PeopleMoved> {
    const all = addresses ?? (await Array.fromAsync(directory.outside.people(), ({ name }) => name));
    const released: string[] = [];
    for (const address of all) released.push(await directory.outside.release(actor, address));
    return { addresses: released };
  },
});

function ldapOf({ ldap, server }: Office): Ldap {
  if (ldap !== null) return ldap;
  throw new Refused(
    'ldap.off',
    server === null
      ? 'No server runs that could ask LDAP. Start it, or check its settings before: rainmail ldap check --config rainmail.toml'
      : 'No LDAP directory is configured: write its section [ldap] into the configuration and start the server anew.',
  );
}
