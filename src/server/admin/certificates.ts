/** The certificates that clients see. What each action does is told in ../certificates.ts. */
import { z } from 'zod';
import type { Renewed } from '../../acme/keeper.ts';
import { Refused } from '../../errors.ts';
import { nowSeconds } from '../../store/ids.ts';
import { recordAudit } from '../../store/operations/audit.ts';
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
  async run(office, { name, force }, { actor, signal }): Promise<Renewed[]> {
    const renewed = await inUse(office).renew(name?.toLowerCase() ?? null, force, signal);
    const entry = { actor, action: 'certificate.renew', subject: name ?? 'server', detail: { force, renewed } };
    await office.store.engine.write((tx) => recordAudit(tx, entry, nowSeconds()));
    return renewed;
  },
});

function inUse({ certificates, data }: Office): ServerCertificates {
  if (certificates !== null) return certificates;
  throw new Refused('server.needed', `No server runs on ${data}: certificates are its business. Start it first.`);
}
