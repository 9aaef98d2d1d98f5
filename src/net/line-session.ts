/** A connection of a line protocol, as a session among all. */
import type { SignInProtocol } from '../directory/types.ts';
import type { AccountId, EpochSeconds } from '../store/ids.ts';
import type { Connection } from './connection.ts';
import type { SignedOut } from './farewell.ts';
import type { OpenSession, SessionCredential } from './sessions.ts';

/** Made when somebody looks at the session, so that none keeps one; asking the socket costs, so it is asked only what is wanted. */
export class LineSession implements OpenSession {
  readonly protocol: SignInProtocol;
  readonly account: AccountId;
  readonly credential: SessionCredential;
  readonly #connection: Connection;

  constructor(connection: Connection, protocol: SignInProtocol, account: AccountId, credential: SessionCredential) {
    this.#connection = connection;
    this.protocol = protocol;
    this.account = account;
    this.credential = credential;
  }

  get id(): number {
    return this.#connection.id;
  }

  get address(): string {
    return this.#connection.remoteAddress;
  }

  get port(): number {
    return this.#connection.remotePort;
  }

  get client(): string {
    return this.#connection.client;
  }

  get secure(): boolean {
    return this.#connection.secure;
  }

  get local(): boolean {
    return this.#connection.local;
  }

  get since(): EpochSeconds {
    return this.#connection.signedInAt;
  }

  signOut(why: SignedOut): Promise<void> {
    this.#connection.retire(why);
    return this.#connection.whenServed();
  }
}
