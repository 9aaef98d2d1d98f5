/** The certificates that clients see. What each action does is told in ../certificates.ts. */
import { z } from 'zod';
import type { Renewed } from '../../acme/keeper.ts';
import { Refused } from '../../errors.ts';
import type { CertificateReport, ServerCertificates } from '../certificates.ts';
import type { Office } from '../office.ts';
import { action } from './action.ts';

export const showCertificates = action({
  name: 'certificate.show',
  input: z.strictObject({}),
  run: async (office): Promise<CertificateReport[]> => inUse(office).states(),
});

export const renewCertificates = action({
  name: 'certificate.renew',
  input: z.strictObject({
    /** First name of the one that is meant; null: all. */
    name: z.string().nullable(),
    /** Also what is not due. */
    force: z.boolean(),
  }),
  run: async (office, { name, force }, { signal }): Promise<Renewed[]> =>
    inUse(office).renew(name?.toLowerCase() ?? null, force, signal),
});

function inUse({ certificates, data }: Office): ServerCertificates {
  if (certificates !== null) return certificates;
  throw new Refused('server.needed', `No server runs on ${data}: certificates are its business. Start it first.`);
}
