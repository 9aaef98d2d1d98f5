/** A certificate authority, and our account there (RFC 8555 7.3). */
import { generateKeyPairSync } from 'node:crypto';
import type { Authorization, Order } from 'acme-client';
import { z } from 'zod';
import { AcmeFailure } from './failure.ts';
import type { AccountState, AcmeState } from './state.ts';
import { type AcmeClient, type AcmeLibrary, type Answer, acmeLibrary, Transport } from './transport.ts';

export interface AuthorityOptions {
  readonly directory: string;
  readonly contact: readonly string[];
  /** External account binding (RFC 8555 7.3.4); null: none. */
  readonly binding: { readonly kid: string; readonly hmacKey: string } | null;
  /** PEM of what its certificate is checked against; null: what the system trusts. */
  readonly ca: string | null;
  readonly state: AcmeState;
  readonly signal: AbortSignal;
}

export type Challenge = Authorization['challenges'][number];

const text = z.string().max(10_000);
const url = text.startsWith('https://');

/** What we rely on in the answers (RFC 8555 7.1.3, 7.1.4); the rest is the library's business, or nobody's. */
const orderShape = z.object({
  status: z.enum(['pending', 'ready', 'processing', 'valid', 'invalid']),
  url,
  finalize: url,
  authorizations: z.array(url).min(1).max(1_000),
  certificate: url.optional(),
});
const authorizationShape = z.object({
  identifier: z.object({ type: text, value: text }),
  status: text,
  challenges: z.array(z.object({ type: text, url, status: text, token: text.optional() })).max(100),
});

export class Authority {
  readonly #client: AcmeClient;
  readonly #library: AcmeLibrary;
  readonly #transport: Transport;

  private constructor(client: AcmeClient, library: AcmeLibrary, transport: Transport) {
    this.#client = client;
    this.#library = library;
    this.#transport = transport;
  }

  /** Signs up or in. The terms of service are agreed to: the settings ask the administrator first. @throws AcmeFailure */
  static async open(options: AuthorityOptions): Promise<Authority> {
    const library = await acmeLibrary();
    const transport = new Transport(options.ca, options.signal);
    try {
      const account = await knownAccount(options);
      const client = await signIn(account, options, library, transport);
      return new Authority(client, library, transport);
    } catch (error) {
      transport.close();
      throw error;
    }
  }

  order(names: readonly string[]): Promise<Answer<Order>> {
    const identifiers = names.map((value) => ({ type: 'dns', value }));
    return this.#askOrder(() => this.#client.createOrder({ identifiers }));
  }

  /** An order as it stands now. */
  look(url: string): Promise<Answer<Order>> {
    return this.#askOrder(() => this.#client.getOrder({ url } as Order));
  }

  async authorizations(order: Order): Promise<readonly Authorization[]> {
    const { value } = await this.#transport.call(() => this.#client.getAuthorizations(order));
    for (const one of value) assertShape(authorizationShape, one);
    return value;
  }

  keyAuthorization(challenge: Challenge): Promise<string> {
    return this.#client.getChallengeKeyAuthorization(challenge);
  }

  /** Asks it to check. */
  async check(challenge: Challenge): Promise<void> {
    await this.#transport.call(() => this.#client.completeChallenge(challenge));
  }

  /** @param key  PEM, of the certificate */
  async finalise(order: Order, names: readonly string[], key: string): Promise<Answer<Order>> {
    const [, request] = await this.#library.crypto.createCsr({ altNames: [...names] }, key);
    return this.#askOrder(() => this.#client.finalizeOrder(order, request));
  }

  /** The certificate with its chain, PEM. */
  async certificate(order: Order): Promise<string> {
    return (await this.#transport.call(() => this.#client.getCertificate(order))).value;
  }

  close(): void {
    this.#transport.close();
  }

  async #askOrder(step: () => Promise<Order>): Promise<Answer<Order>> {
    const answer = await this.#transport.call(step);
    assertShape(orderShape, answer.value);
    return answer;
  }
}

function assertShape(shape: z.ZodType, answer: unknown): void {
  const { error } = shape.safeParse(answer);
  if (error === undefined) return;
  const [issue] = error.issues;
  const where = issue?.path.join('.') ?? '';
  throw new AcmeFailure('unreachable', `The authority answers what is not ACME (${where}: ${issue?.message ?? ''}).`);
}

/** P-256, PEM. */
export function newKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

async function knownAccount({ directory, state }: AuthorityOptions): Promise<AccountState> {
  const known = await state.account();
  if (known?.directory === directory) return known;
  const fresh = { directory, key: newKey(), url: null, contact: [] };
  await state.keepAccount(fresh);
  // Dies here, or before the answer below: the authority knows the key, and says which account it has (RFC 8555 7.3.1).
  return fresh;
}

async function signIn(
  account: AccountState,
  { directory, contact, binding, state }: AuthorityOptions,
  library: AcmeLibrary,
  transport: Transport,
): Promise<AcmeClient> {
  const connect = (url: string | null) =>
    new library.Client({
      directoryUrl: directory,
      accountKey: account.key,
      ...(url === null ? {} : { accountUrl: url }),
      ...(binding === null ? {} : { externalAccountBinding: binding }),
    });
  const told = { termsOfServiceAgreed: true, contact: contact.map((address) => `mailto:${address}`) };
  let client = connect(account.url);
  try {
    if (account.url !== null && account.contact.join() === contact.join())
      await transport.call(() => client.updateAccount());
    else await transport.call(() => client.createAccount(told)); // or tells it the new contact
  } catch (error) {
    if (account.url === null || !(error instanceof AcmeFailure) || error.type !== 'accountDoesNotExist') throw error;
    client = connect(null); // it has forgotten us
    await transport.call(() => client.createAccount(told));
  }
  await state.keepAccount({ ...account, url: client.getAccountUrl(), contact: [...contact] });
  return client;
}
