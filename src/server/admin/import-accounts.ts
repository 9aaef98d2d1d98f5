/** Accounts from a file of people. */
import { z } from 'zod';
import { type ImportReport, importAccounts as importPeople } from '../../directory/import-accounts.ts';
import { PEOPLE_FORMATS } from '../../directory/people/file.ts';
import type { Office } from '../office.ts';
import { action, type Run } from './action.ts';

const file = {
  /** What the file holds. */
  text: z.string(),
  format: z.enum(PEOPLE_FORMATS).optional(),
  domain: z.string().optional(),
  passwd: z.string().optional(),
  update: z.boolean().optional(),
};

const input = z.strictObject(file);
type Input = z.infer<typeof input>;

export const importAccounts = action({
  name: 'account.import',
  input,
  creates: true,
  run: (office, input, run) => take(office, input, run, false),
});

/** Tries it, and keeps nothing: the office must be there. */
export const checkAccounts = action({
  name: 'account.import-check',
  input,
  run: (office, input, run) => take(office, input, run, true),
});

function take(
  { directory }: Office,
  input: Input,
  { actor, progress, signal }: Run,
  check: boolean,
): Promise<ImportReport> {
  const { update = false, ...file } = input;
  return importPeople(directory.by(actor), file, {
    update,
    check,
    signal,
    progress: (done, total) => progress({ what: '', done, total: Math.max(done, total), unit: 'accounts' }),
  });
}
