/** People and addresses, as the rest of the server sees them. */
import type { ScramKeys, ScramParameters } from '../auth/scram-keys.ts';
import type { AccountId, EpochSeconds } from '../store/ids.ts';
import type { Access } from './access/access.ts';

/** Suspended: nobody signs in, mail is still taken. Closed: mail is refused, too; what is there stays. */
export type AccountState = 'active' | 'suspended' | 'closed';

export interface Account {
  readonly id: AccountId;
  /** The address it signs in with, lower case: `anna@office.test`. */
  readonly name: string;
  readonly displayName: string;
  readonly quotaBytes: number | null;
  readonly state: AccountState;
  /** Its mail goes on to other addresses: a copy of it, or all of it. Absent: it stays. */
  readonly forwards?: 'copies' | 'away';
}

/** Where an address leads. */
export type Resolved =
  /**
   * `accounts`: whose the address is: the account's, those an alias leads to, the members of a group; without those that are closed. `onward`:
   * where its mail goes, where that is not simply to them. `list`: it is a group's address. `detail`: what followed the name that somebody has
   * (`lists` of `anna+lists@`), in canonical form. `byDefault`: nobody has the address itself, they get what is for nobody else. `role`: it is
   * postmaster's or abuse's, whose mail somebody must get.
   */
  | {
      readonly kind: 'accounts';
      readonly accounts: readonly Account[];
      readonly onward?: Onward;
      readonly list?: MailList;
      readonly detail?: string;
      readonly byDefault?: true;
      readonly role?: true;
    }
  /** Somebody has this address, who takes no mail: 550 5.2.1 with the text. */
  | { readonly kind: 'closed'; readonly text: string }
  /** The domain is ours but nobody has this address: 550 5.1.1. */
  | { readonly kind: 'unknown' }
  /** Not a domain of ours: relaying, 550 5.7.1 without sign-in. */
  | { readonly kind: 'foreign' };

/** What an account's mail does besides lying in INBOX. */
export interface Forwarding {
  /** Addresses here, and elsewhere. */
  readonly to: readonly string[];
  /** A copy stays. */
  readonly keeps: boolean;
}

/** Where mail goes for an address of which some goes on. */
export interface Onward {
  /** Who gets a copy here. */
  readonly here: readonly Account[];
  /** The copies that go elsewhere, each address once. */
  readonly forwards: readonly Forward[];
}

/** A copy that goes on to another server. */
export interface Forward {
  readonly to: string;
  /** The address of ours that it goes on from, in canonical form. Mail that has been there already has come back. */
  readonly from: string;
  /** Whose it is in the queue: who forwards; for an alias or a group somebody it leads to, else who gets the domain's mail for postmaster. */
  readonly account: AccountId;
  /** Whose forwarding it is, who keeps what can't go on; null: an alias's or a group's. */
  readonly keeper: Account | null;
}

/** Who may post to a group: anybody, its members, everybody who is here; named: only those who are named. */
export const POSTERS = ['anyone', 'members', 'people', 'named'] as const;
export type Posters = (typeof POSTERS)[number];

export interface Posting {
  readonly who: Posters;
  /** Addresses that may besides. */
  readonly named: readonly string[];
}

/** A group, as mail to it sees it. */
export interface MailList extends Posting {
  readonly name: string;
  readonly address: string;
  /** Members elsewhere. */
  readonly outsiders: readonly string[];
}

/** Whom an address may be of. */
export interface PossibleOwners {
  /** The main name of its domain. */
  readonly domain: string;
  /** The address in that domain, as it is and with ever less detail. */
  readonly names: readonly string[];
}

/** What people sign in to. `web`: webmail and JMAP. `settings`: the page with one's own settings, and mail programs that ask how to be set up. */
export const SIGN_IN_PROTOCOLS = ['imap', 'pop3', 'submission', 'managesieve', 'web', 'settings'] as const;
export type SignInProtocol = (typeof SIGN_IN_PROTOCOLS)[number];

/** The password everybody has, one made for a device, or a token of an OpenID provider. */
export const CREDENTIAL_KINDS = ['password', 'app', 'oauth'] as const;
export type CredentialKind = (typeof CREDENTIAL_KINDS)[number];

/** One thing an account can be signed in to with. Secret: never logged, never shown. */
export interface Credential {
  /** Unique in the account, for good. */
  readonly id: number;
  readonly kind: CredentialKind;
  /** What the person calls the device; empty for the password. */
  readonly label: string;
  /** What it is for; null: every protocol. */
  readonly protocols: readonly SignInProtocol[] | null;
  /** A changed password always has another hash: its salt is random. */
  readonly hash: string;
  /** One for each way to write it; none while all that is known is the hash of another server. */
  readonly scram: readonly ScramKeys[];
}

/** What a sign-in is checked against. Secret: never logged, never shown. */
export interface SignInRecord {
  readonly account: Account;
  readonly credentials: readonly Credential[];
  /** Null where no credential ever had SCRAM keys. */
  readonly scram: ScramParameters | null;
  /** Lives in another directory, where the password is checked: what the person is known by there for good. Null: lives here. */
  readonly outside: string | null;
  /** What the account may do. */
  readonly access: Access;
}

/** A sign-in that succeeded. */
export interface CredentialUse {
  readonly account: AccountId;
  /** Its id. */
  readonly credential: number;
  readonly at: EpochSeconds;
  readonly protocol: SignInProtocol;
  /** The client's IP address. */
  readonly address: string;
}

/** The directory, as signing in needs it. */
export interface SignInDirectory {
  /** Random, kept with the data: salts are derived from it, those of accounts and those told to unknown names alike. */
  readonly secret: Uint8Array;
  /**
   * The account of this name; a name without a domain is looked for in all domains and must be unambiguous. Null: nobody.
   * Never older than the last change that was acknowledged.
   */
  signInRecord(name: string): SignInRecord | null | Promise<SignInRecord | null>;
  /**
   * The account that an address belongs to: its name, or an alias that leads to it alone; for a name without a domain as
   * {@link SignInDirectory.signInRecord}. Null: nobody, or several.
   */
  ownerRecord(name: string): SignInRecord | null | Promise<SignInRecord | null>;
  /** Rises with each change, before anybody hears of it: a record that was asked for later than it rose last is not out of date. */
  readonly generation: number;
  /** Notes a sign-in; costs nothing now. */
  used(use: CredentialUse): void;
  /** A password of another server's hash was right: makes a hash and SCRAM keys of our own, unless it was changed meanwhile. */
  renewPassword(record: SignInRecord, credential: Credential, password: string): Promise<void>;
}

/** A line of the list of an account's credentials. */
export interface CredentialListing extends Omit<Credential, 'hash' | 'scram'> {
  readonly created: EpochSeconds;
  readonly lastUse: { readonly at: EpochSeconds; readonly protocol: string; readonly address: string } | null;
}

/** A line of the list of accounts. */
export interface AccountListing extends Account {
  readonly usedBytes: number;
  readonly messages: number;
  readonly created: EpochSeconds;
  readonly administrator: boolean;
}

/** An alias and what it leads to. */
export interface Alias {
  readonly address: string;
  /** Names of accounts. */
  readonly accounts: readonly string[];
  /** Addresses on other servers. */
  readonly elsewhere: readonly string[];
}

/** People together: for quotas and policies, and for mail where it has an address. */
export interface Group {
  readonly id: number;
  readonly name: string;
  readonly address: string | null;
  readonly description: string;
  /** Where two groups of a person have a setting of the access policy, that of the lower rank counts; of equal ranks, of the first name. */
  readonly rank: number;
  readonly posting: Posters;
}

export interface GroupListing extends Group {
  readonly members: number;
}

export interface DomainSettings {
  readonly name: string;
  /** The domain that this is another name of: every address here means the same there. */
  readonly anotherNameOf: string | null;
  /** The address that gets what is for nobody else. */
  readonly catchAll: string | null;
  /** What stands between a name and its detail (`anna+lists@`); empty: no subaddresses. */
  readonly subaddress: string;
}

/** Whom a quota or a setting of the access policy is for. */
export type SubjectScope = 'account' | 'group' | 'domain' | 'everyone';

export interface QuotaRule {
  readonly scope: SubjectScope;
  /** An address, a group or a domain; empty for everyone. */
  readonly name: string;
  /** Null: unlimited. */
  readonly bytes: number | null;
}

export interface QuotaDecision {
  /** Null: unlimited. */
  readonly quotaBytes: number | null;
  /** All that is set for the account, in the order in which it is looked at: the first counts. */
  readonly rules: readonly QuotaRule[];
}
