/** The changing side of the directory, in somebody's name: what is changed has a property each. */
import { setMeta } from '../../store/operations/meta.ts';
import { AccountChanges } from './accounts.ts';
import { AliasChanges } from './aliases.ts';
import { AppPasswordChanges } from './app-passwords.ts';
import { AuditedChanges } from './audited.ts';
import { DomainChanges } from './domains.ts';
import { ForwardingChanges } from './forwarding.ts';
import { GroupChanges } from './groups.ts';
import type { ChangeHost } from './host.ts';
import { PolicyChanges } from './policy.ts';
import { QuotaChanges } from './quotas.ts';

export class DirectoryChanges {
  readonly accounts: AccountChanges;
  readonly aliases: AliasChanges;
  readonly appPasswords: AppPasswordChanges;
  readonly domains: DomainChanges;
  /** Who forwards mail to where. */
  readonly forwarding: ForwardingChanges;
  readonly groups: GroupChanges;
  /** The access policy, and who administers. */
  readonly policy: PolicyChanges;
  readonly quotas: QuotaChanges;
  readonly #audited: AuditedChanges;

  /** @param actor  who is behind the changes: `root on the command line` */
  constructor(host: ChangeHost, actor: string) {
    const audited = new AuditedChanges(host, actor);
    this.#audited = audited;
    this.accounts = new AccountChanges(audited);
    this.aliases = new AliasChanges(audited);
    this.appPasswords = new AppPasswordChanges(audited);
    this.domains = new DomainChanges(audited);
    this.forwarding = new ForwardingChanges(audited);
    this.groups = new GroupChanges(audited);
    this.policy = new PolicyChanges(audited);
    this.quotas = new QuotaChanges(audited);
  }

  /** Makes this a trial office, for good: it takes only domains that are reserved for trying out. */
  startTrial(): Promise<void> {
    return this.#audited.make({ action: 'office.trial', subject: '' }, (tx) => setMeta(tx, 'trial', '1'));
  }
}
