/**
 * Connections to LDAP that are used again and again: so many at a time, and so many wait at most.
 *
 * A connection that was closed meanwhile is noticed when it is used; then, and only then, the work is done once more on a new one.
 */
import type { Client } from 'ldapts';
import { Gate } from '../gate.ts';
import type { Milliseconds } from '../store/ids.ts';
import { endLdap } from './connection.ts';
import type { LdapServers } from './servers.ts';
import { describe, isAnswer, LdapUnavailable } from './trouble.ts';

const WAITING = 256;
/** Firewalls and servers forget connections that are silent for longer. */
const IDLE: Milliseconds = 60_000;

export interface PoolOptions {
  readonly servers: LdapServers;
  readonly connections: number;
  /** Signed in as the account that reads. */
  readonly signedIn: boolean;
}

export class LdapPool {
  readonly #options: PoolOptions;
  readonly #gate: Gate;
  readonly #idle: { readonly client: Client; readonly since: Milliseconds }[] = [];
  #closed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#gate = new Gate(options.connections, WAITING);
  }

  /**
   * Does some work on a connection.
   * @throws LdapUnavailable when no server can be asked; what the server answers (a ResultCodeError) is thrown as it is
   */
  async run<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const { servers } = this.#options;
    servers.requireHope();
    if (this.#gate.full) throw new LdapUnavailable('Too many wait for LDAP already.');
    return this.#gate.run(async () => {
      servers.requireHope(); // while this one waited for its turn, others may have failed
      const used = this.#takeIdle();
      if (used !== undefined) {
        try {
          return await this.#on(used, work);
        } catch (error) {
          if (isAnswer(error)) throw error;
        }
      }
      const client = await servers.connect(this.#options.signedIn);
      try {
        return await this.#on(client, work);
      } catch (error) {
        throw isAnswer(error) || error instanceof LdapUnavailable ? error : servers.failed(describe(error));
      }
    });
  }

  /** Ends the connections; what runs ends its own. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#idle.splice(0).map(({ client }) => endLdap(client)));
  }

  async #on<T>(client: Client, work: (client: Client) => Promise<T>): Promise<T> {
    try {
      const result = await work(client);
      this.#giveBack(client);
      return result;
    } catch (error) {
      if (isAnswer(error)) this.#giveBack(client);
      else await endLdap(client);
      throw error;
    }
  }

  #giveBack(client: Client): void {
    this.#options.servers.worked();
    if (this.#closed) void endLdap(client);
    else this.#idle.push({ client, since: performance.now() });
  }

  /** The one that was used last: the others may go. */
  #takeIdle(): Client | undefined {
    for (let one = this.#idle.pop(); one !== undefined; one = this.#idle.pop()) {
      if (one.client.isConnected && performance.now() - one.since < IDLE) return one.client;
      void endLdap(one.client);
    }
    return undefined;
  }
}
