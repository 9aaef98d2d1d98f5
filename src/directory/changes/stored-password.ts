/** How a password of an account is kept. */
import { hashPassword } from '../../auth/password.ts';
import { type ScramParameters, scramParametersFor } from '../../auth/scram-keys.ts';
import { requireAccount } from '../accounts.ts';
import { type StoredPassword, scramParameters } from '../credentials.ts';
import type { ChangeHost } from './host.ts';

/** Salt and count of an account. @throws Refused `directory.missing` */
export async function parametersOf(host: ChangeHost, name: string): Promise<ScramParameters> {
  const known = await host.read(async (tx) => scramParameters(tx, (await requireAccount(tx, name)).id));
  return known ?? scramParametersFor(host.secret, name);
}

export async function storedPassword(password: string, parameters: ScramParameters): Promise<StoredPassword> {
  return { verifiers: await hashPassword(password, parameters), parameters };
}
