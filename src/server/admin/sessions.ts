/** Who is signed in, and ending sessions. */
import { z } from 'zod';
import { type CredentialKind, SIGN_IN_PROTOCOLS, type SignInProtocol } from '../../directory/types.ts';
import { Refused } from '../../errors.ts';
import type { OpenSession } from '../../net/sessions.ts';
import { Pace } from '../../pace.ts';
import { type AccountId, nowSeconds } from '../../store/ids.ts';
import { recordAudit } from '../../store/operations/audit.ts';
import type { Office } from '../office.ts';
import { action } from './action.ts';

export interface SessionShown {
  readonly id: number;
  readonly account: string;
  readonly protocol: SignInProtocol;
  readonly credential: CredentialKind;
  /** Name of the app password, or of the program that a token is of; may be empty. */
  readonly name: string;
  readonly address: string;
  /** Null where the session has no connection of its own. */
  readonly port: number | null;
  /** What the client calls itself; empty: it hasn't said. */
  readonly client: string;
  readonly tls: boolean;
  /** ISO 8601. */
  readonly since: string;
}

export interface SessionList {
  /** False: no server runs, so nobody can be signed in. */
  readonly running: boolean;
  /** The oldest first. */
  readonly sessions: readonly SessionShown[];
}

export interface SessionsEnded {
  readonly account: string;
  readonly ended: number;
}

const protocol = z.enum(SIGN_IN_PROTOCOLS).optional();

export const listSessions = action({
  name: 'sessions.list',
  input: z.strictObject({ account: z.string().optional(), protocol }),
  async run(office, { account, protocol }): Promise<SessionList> {
    const { directory, sessions, server } = office;
    const id = account === undefined ? undefined : (await directory.account(account)).id;
    const found: OpenSession[] = [];
    const pace = new Pace();
    for (const session of sessions.list(id)) {
      const pause = pace.pause();
      if (pause !== undefined) await pause;
      if (protocol === undefined || session.protocol === protocol) found.push(session);
    }
    const names = await directory.accountNames(new Set(found.map((session) => session.account)));
    found.sort((a, b) => a.since - b.since || a.id - b.id);
    return { running: server !== null, sessions: found.map((session) => shown(session, names)) };
  },
});

/** By its number, or all of an account that are meant. */
const meant = z.union([
  z.strictObject({ id: z.number().int() }),
  z.strictObject({ account: z.string(), credential: z.string().optional(), protocol }),
]);
export type SessionsMeant = z.infer<typeof meant>;

export const endSessions = action({
  name: 'sessions.end',
  input: meant,
  async run(office, input, { actor }): Promise<SessionsEnded> {
    const { directory, sessions, store } = office;
    const account = 'id' in input ? await accountOf(office, input.id) : await directory.account(input.account);
    const isMeant = await picker(office, account.name, input);
    // First the entry: what is written of may fail to happen only because the server ends, and with it every session.
    const entry = { actor, action: 'sessions.end', subject: account.name, detail: { ...input } };
    await store.engine.write((tx) => recordAudit(tx, entry, nowSeconds()));
    return { account: account.name, ended: await sessions.end(account.id, 'ended', isMeant) };
  },
});

/** Whose a session is. @throws Refused `directory.missing` */
async function accountOf({ directory, sessions }: Office, id: number): Promise<{ id: AccountId; name: string }> {
  const account = [...sessions.list()].find((session) => session.id === id)?.account;
  const name = account && (await directory.accountNames(new Set([account]))).get(account);
  if (account === undefined || name === undefined) {
    throw new Refused('directory.missing', `There is no session ${id}. See them all: rainmail sessions list`);
  }
  return { id: account, name };
}

/** @throws Refused `directory.missing` for a credential that the account does not have */
async function picker(
  { directory }: Office,
  account: string,
  input: SessionsMeant,
): Promise<(session: OpenSession) => boolean> {
  if ('id' in input) return ({ id }) => id === input.id;
  const { protocol, credential } = input;
  const isProtocol = (session: OpenSession) => protocol === undefined || session.protocol === protocol;
  if (credential === undefined) return isProtocol;
  if (credential === 'password') return (session) => isProtocol(session) && session.credential.kind === 'password';
  const wanted = credential.toLowerCase();
  const apps = (await directory.credentials(account)).filter(({ kind }) => kind === 'app');
  const app = apps.find(({ label }) => label.toLowerCase() === wanted);
  // A token's program is known by its sessions alone.
  return (session) =>
    isProtocol(session) &&
    (app === undefined
      ? session.credential.kind === 'oauth' && session.credential.label.toLowerCase() === wanted
      : session.credential.id === app.id);
}

function shown(session: OpenSession, names: ReadonlyMap<AccountId, string>): SessionShown {
  const { id, account, protocol, credential, address, port, client, secure, since } = session;
  return {
    id,
    account: names.get(account) ?? '', // removed a moment ago
    protocol,
    credential: credential.kind,
    name: credential.label,
    address,
    port,
    client,
    tls: secure,
    since: new Date(since * 1_000).toISOString(),
  };
}
