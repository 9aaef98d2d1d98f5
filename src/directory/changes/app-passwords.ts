/** Changing the passwords of people's devices. */
import { generateAppPassword, hashAppPassword } from '../../auth/app-password.ts';
import { nowSeconds } from '../../store/ids.ts';
import { requireAccount } from '../accounts.ts';
import * as credentials from '../credentials.ts';
import { canonicalAddress, requireLabel, requireProtocols } from '../rules.ts';
import type { CredentialListing, SignInProtocol } from '../types.ts';
import type { AuditedChanges } from './audited.ts';
import { parametersOf } from './stored-password.ts';

export class AppPasswordChanges {
  readonly #audited: AuditedChanges;

  constructor(audited: AuditedChanges) {
    this.#audited = audited;
  }

  /**
   * Makes an app password.
   * @param label  what the person calls the device
   * @param protocols  what it is for; null: every protocol
   * @returns it, with the password, which nobody will see again
   * @throws Refused `directory.missing`, `directory.exists`, `directory.invalid`
   */
  async add(
    text: string,
    request: { readonly label: string; readonly protocols: readonly SignInProtocol[] | null },
  ): Promise<Pick<CredentialListing, 'id' | 'label' | 'protocols'> & { readonly password: string }> {
    const name = canonicalAddress(text);
    const label = requireLabel(request.label);
    const protocols = requireProtocols(request.protocols);
    const parameters = await parametersOf(this.#audited.host, name);
    const password = generateAppPassword();
    const verifiers = await hashAppPassword(password, parameters);
    const told = { action: 'app-password.add', subject: name, detail: (id: number) => ({ id, label, protocols }) };
    const id = await this.#audited.make(told, async (tx) => {
      const account = await requireAccount(tx, name);
      return credentials.addAppPassword(tx, account.id, { label, protocols, verifiers, parameters }, nowSeconds());
    });
    return { id, label, protocols, password };
  }

  /**
   * Revokes an app password: nobody signs in with it any more, and who is signed in with it is sent away.
   * @param which  its label or id
   * @throws Refused `directory.missing`
   */
  async revoke(text: string, which: string): Promise<CredentialListing> {
    const name = canonicalAddress(text);
    const told = {
      action: 'app-password.revoke',
      subject: name,
      detail: ({ revoked }: { revoked: CredentialListing }) => ({ id: revoked.id, label: revoked.label }),
    };
    const { account, revoked } = await this.#audited.make(told, async (tx) => {
      const account = await requireAccount(tx, name);
      return { account, revoked: await credentials.revokeAppPassword(tx, account.id, which) };
    });
    await this.#audited.host.revoked(account.id, revoked.id);
    return revoked;
  }
}
