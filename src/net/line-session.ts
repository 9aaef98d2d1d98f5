/** A connection of a line protocol, as a session among all. */
import type { SignInProtocol } from '../directory/types.ts';
import type { AccountId, EpochSeconds } from '../store/ids.ts';
import type { Connection } from './connection.ts';
import type { SignedOut } from './farewell.ts';
import type { OpenSession, SessionCredential } from './sessions.ts';

/** Made when somebody looks at the session, so that none keeps one. */
export class LineSession implements OpenSession {
  readonly id: number;
  readonly protocol: SignInProtocol;
  readonly account: AccountId;
  readonly credential: SessionCredential;
  readonly address: string;
  readonly port: number;
  readonly client: string;
  readonly secure: boolean;
  readonly local: boolean;
  readonly since: EpochSeconds;
  readonly #connection: Connection;

  constructor(connection: Connection, protocol: SignInProtocol, account: AccountId, credential: SessionCredential) {
    this.#connection = connection;
    this.id = connection.id;
    this.protocol = protocol;
    this.account = account;
    this.credential = credential;
    this.address = connection.remoteAddress;
    this.port = connection.remotePort;
    this.client = connection.client;
    this.secure = connection.secure;
    this.local = connection.local;
    this.since = connection.signedInAt;
  }

  signOut(why: SignedOut): Promise<void> {
    this.#connection.retire(why);
    return this.#connection.whenServed();
  }
}
