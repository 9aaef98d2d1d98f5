/**
 * What one account may do: the settings of the access policy that hold for it, and the check that every sign-in passes. Pure.
 *
 * Equal ones are one object ({@link AccessPool}): ten thousand people in some hundred sets cost as much memory as the sets.
 */
import { type BlockList, isIP } from 'node:net';
import type { Language } from '../../config/languages.ts';
import type { LetGo } from '../../config/let-go.ts';
import { networks } from '../../config/units.ts';
import { Lru } from '../../lru.ts';
import { type CredentialKind, SIGN_IN_PROTOCOLS, type SignInProtocol } from '../types.ts';
import { POLICY_NAMES, type PolicyName } from './settings.ts';
import {
  credentialList,
  folderList,
  language,
  letGo,
  networkList,
  onOff,
  preference,
  type SenderRule,
  senderRule,
  tlsRule,
} from './values.ts';

/** Some networks. */
class Networks {
  readonly #set: BlockList;
  /** The last address that was found within: behind most connections of an office is the same one, and asking the set costs more than all else. */
  #within = '';

  constructor(list: readonly string[]) {
    this.#set = networks(list);
  }

  has(address: string): boolean {
    if (address === this.#within && address !== '') return true;
    const bare = address.split('%', 1)[0]!; // without a zone
    const version = isIP(bare);
    if (version === 0 || !this.#set.check(bare, version === 4 ? 'ipv4' : 'ipv6')) return false;
    this.#within = address;
    return true;
  }
}

/** What is said of one service. */
export interface ServiceAccess {
  readonly on: boolean;
  /** Where it may be used from; null: anywhere. */
  readonly networks: Networks | null;
  /** What it may be signed in to with; null: anything. */
  readonly credentials: readonly CredentialKind[] | null;
  /** `optional`: wherever the installation takes passwords at all, which is over TLS or on its own machine. */
  readonly tls: 'required' | 'optional';
}

/** Frozen, and shared by all who may do the same. */
export interface Access {
  readonly services: Readonly<Record<SignInProtocol, ServiceAccess>>;
  /** Which of the two is set up first in mail programs. A service that is off is not set up at all. */
  readonly prefer: 'imap' | 'pop3';
  readonly pop3: { readonly letGo: LetGo; readonly folders: readonly string[]; readonly seenByRetr: boolean };
  readonly submission: { readonly fileSent: boolean; readonly senders: SenderRule };
  /** One may forward own mail. */
  readonly forward: boolean;
  /** Of what the server writes to the person. */
  readonly language: Language;
}

/** How somebody uses, or would use, a service. */
export interface Use {
  readonly service: SignInProtocol;
  /** The client's IP address. */
  readonly address: string;
  readonly credential: CredentialKind;
  /** Over TLS. */
  readonly secure: boolean;
  /** Both ends are this machine. */
  readonly local: boolean;
}

/** The setting that stands in the way of a use; null: none. What can't be changed by the client goes first. */
export function obstacle({ services }: Access, use: Use): PolicyName | null {
  const { service } = use;
  const { on, networks, credentials, tls } = services[service];
  if (!on) return service;
  if (networks !== null && !networks.has(use.address)) return `${service}.networks`;
  if (credentials !== null && !credentials.includes(use.credential)) return `${service}.credentials`;
  const safe = use.secure || (use.local && tls === 'optional');
  return safe ? null : `${service}.tls`;
}

/** Distinct sets that are shared; what is beyond is made for each account. */
const POOL_CAPACITY = 10_000;

/** Makes what accounts may do of the text of their settings; equal text gives the same object. */
export class AccessPool {
  readonly #whole = new Lru<string, Access>(POOL_CAPACITY);
  readonly #services = new Lru<string, ServiceAccess>(POOL_CAPACITY);
  readonly #networks = new Lru<string, Networks>(POOL_CAPACITY);

  /** @param text  of every setting, in the form it is kept in */
  access(text: (name: PolicyName) => string): Access {
    const key = POLICY_NAMES.map(text).join('\n');
    return this.#whole.get(key) ?? kept(this.#whole, key, this.#made(text));
  }

  #made(text: (name: PolicyName) => string): Access {
    const services = Object.fromEntries(SIGN_IN_PROTOCOLS.map((name) => [name, this.#service(name, text)]));
    return Object.freeze({
      services: Object.freeze(services as Record<SignInProtocol, ServiceAccess>),
      prefer: preference.parse(text('prefer'))!,
      pop3: Object.freeze({
        letGo: Object.freeze(letGo.parse(text('pop3.letGo'))!),
        folders: Object.freeze(folderList.parse(text('pop3.folders'))!),
        seenByRetr: onOff.parse(text('pop3.seenByRetr'))!,
      }),
      submission: Object.freeze({
        fileSent: onOff.parse(text('submission.fileSent'))!,
        senders: senderRule.parse(text('submission.senders'))!,
      }),
      forward: onOff.parse(text('forward'))!,
      language: language.parse(text('language'))!,
    });
  }

  #service(name: SignInProtocol, text: (name: PolicyName) => string): ServiceAccess {
    const [on, list, credentials, tls] = [name, `${name}.networks`, `${name}.credentials`, `${name}.tls`] as const;
    const key = [on, list, credentials, tls].map(text).join('\n');
    const made = (): ServiceAccess => ({
      on: onOff.parse(text(on))!,
      networks: this.#block(text(list)),
      credentials: credentialList.parse(text(credentials))!,
      tls: tlsRule.parse(text(tls))!,
    });
    return this.#services.get(key) ?? kept(this.#services, key, Object.freeze(made()));
  }

  #block(text: string): Networks | null {
    const list = networkList.parse(text)!;
    return list && (this.#networks.get(text) ?? kept(this.#networks, text, new Networks(list)));
  }
}

function kept<Value>(pool: Lru<string, Value>, key: string, value: Value): Value {
  pool.set(key, value);
  return value;
}
