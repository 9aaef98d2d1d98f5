/**
 * A real OpenID provider (oidc-provider) over TLS on a free port of this machine. It gives out tokens by a grant of its own, without the page where
 * people would type their password; and its keys are here, to sign with them what a good provider never would.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { type CryptoKey, exportJWK, generateKeyPair, type JWTHeaderParameters, SignJWT } from 'jose';
import { Provider, type ResourceServer } from 'oidc-provider';
import { keepSelfSigned } from '../../src/net/self-signed.ts';
import { nowSeconds } from '../../src/store/ids.ts';
import { freePort } from './ports.ts';

/** What the provider calls the mail server. */
export const AUDIENCE = 'mail.office.test';
const ALGORITHMS = ['RS256', 'ES256', 'EdDSA'] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

export interface Key {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
}

export interface Wish {
  /** The address that the token says; `anna@office.test`. */
  readonly email?: string;
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly algorithm?: Algorithm;
  /** One that only the provider can read. */
  readonly opaque?: boolean;
}

export interface Forgery {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Partial<JWTHeaderParameters>;
  readonly key?: CryptoKey | Uint8Array;
  /** Seconds from now; below zero: it is over. */
  readonly expires?: number;
}

export class TrialProvider {
  readonly folder: string;
  readonly issuer: string;
  /** Requests by path, since the start. */
  readonly asked = new Map<string, number>();
  #keys: ReadonlyMap<Algorithm, Key> = new Map();
  #server: Server | undefined;
  readonly #port: number;
  readonly #pem: string;

  static async start(t: TestContext): Promise<TrialProvider> {
    const folder = await mkdtemp(join(tmpdir(), 'rainmail-openid-'));
    await keepSelfSigned(join(folder, 'provider.pem'), ['localhost']);
    await writeFile(join(folder, 'secret'), 'the secret of the mail server\n');
    const pem = await readFile(join(folder, 'provider.pem'), 'utf8');
    const provider = new TrialProvider(folder, pem, await freePort());
    t.after(async () => {
      await provider.stop();
      await rm(folder, { recursive: true, force: true });
    });
    await provider.start();
    return provider;
  }

  /** A key that is nobody's. */
  static stranger(): Promise<Key> {
    return newKey('RS256');
  }

  private constructor(folder: string, pem: string, port: number) {
    this.folder = folder;
    this.#pem = pem;
    this.#port = port;
    this.issuer = `https://localhost:${port}`;
  }

  /** The lines of the mail server's configuration. */
  config(more = ''): string {
    return [
      '[openid]',
      `issuer = "${this.issuer}"`,
      `audience = ["${AUDIENCE}"]`,
      'clientId = "mail-server"',
      `clientSecret = "${join(this.folder, 'secret')}"`,
      `authority = "${join(this.folder, 'provider.pem')}"`,
      more,
    ].join('\n');
  }

  /** Comes up, with new keys. */
  async start(): Promise<void> {
    this.#keys = new Map(await Promise.all(ALGORITHMS.map(async (name) => [name, await newKey(name)] as const)));
    const provider = await this.#provider();
    const handle = provider.callback();
    const server = createServer({ key: this.#pem, cert: this.#pem }, (incoming, outgoing) => {
      const path = incoming.url ?? '';
      this.asked.set(path, (this.asked.get(path) ?? 0) + 1);
      void handle(incoming, outgoing);
    });
    server.listen(this.#port, 'localhost');
    await once(server, 'listening');
    this.#server = server;
  }

  /** Goes down. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  /** The key that signs now. */
  key(algorithm: Algorithm = 'RS256'): Key {
    return this.#keys.get(algorithm)!;
  }

  /** A token as the provider gives it out. */
  async token({
    email = 'anna@office.test',
    claims = {},
    algorithm = 'RS256',
    opaque = false,
  }: Wish = {}): Promise<string> {
    const { access_token: token } = await this.#post('/token', {
      grant_type: 'trial',
      client_id: 'thunderbird',
      claims: JSON.stringify({ email, email_verified: true, ...claims }),
      ...(opaque ? {} : { resource: `urn:mail:${algorithm}` }),
    });
    assert.ok(typeof token === 'string');
    return token;
  }

  /** A token with the provider's own signature that says what the test wants. */
  async forge({ claims = {}, header = {}, key, expires = 600 }: Forgery = {}): Promise<string> {
    const { kid, privateKey } = this.key();
    const now = nowSeconds();
    return new SignJWT({
      iss: this.issuer,
      aud: AUDIENCE,
      email: 'anna@office.test',
      client_id: 'thunderbird',
      iat: now,
      exp: now + expires,
      ...claims,
    })
      .setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', kid, ...header })
      .sign(key ?? privateKey);
  }

  /** Withdraws a token. */
  async revoke(token: string): Promise<void> {
    await this.#post('/token/revocation', { client_id: 'thunderbird', token });
  }

  async #provider(): Promise<Provider> {
    const keys = [...this.#keys].map(async ([alg, { kid, privateKey }]) => ({
      ...(await exportJWK(privateKey)),
      kid,
      alg,
      use: 'sig',
    }));
    const resourceServer = (_: unknown, resource: string): ResourceServer => ({
      scope: 'mail',
      audience: AUDIENCE,
      accessTokenFormat: 'jwt',
      jwt: { sign: { alg: resource.slice('urn:mail:'.length) as Algorithm } },
    });
    const provider = new Provider(this.issuer, {
      jwks: { keys: (await Promise.all(keys)) as never },
      cookies: { keys: ['a key of the test'] },
      clients: [
        {
          client_id: 'thunderbird',
          token_endpoint_auth_method: 'none',
          grant_types: ['trial'],
          response_types: [],
          redirect_uris: [],
        },
        {
          client_id: 'mail-server',
          client_secret: 'the secret of the mail server',
          grant_types: [],
          response_types: [],
          redirect_uris: [],
        },
      ],
      extraTokenClaims: (ctx) => JSON.parse(String(ctx.oidc.params?.['claims'])) as Record<string, string>,
      features: {
        devInteractions: { enabled: false },
        revocation: { enabled: true },
        introspection: { enabled: true, allowedPolicy: () => true },
        resourceIndicators: { enabled: true, getResourceServerInfo: resourceServer },
      },
    });
    const trial: Parameters<Provider['registerGrantType']>[1] = async (ctx) => {
      const { client, params } = ctx.oidc;
      const token = new provider.AccessToken({ accountId: 'anna', client: client!, gty: 'trial' } as never);
      const resource = params?.['resource'];
      if (resource !== undefined) {
        token.resourceServer = new provider.ResourceServer(
          String(resource),
          resourceServer(ctx, String(resource)),
        ) as never;
      }
      token.scope = 'mail';
      ctx.oidc.entity('AccessToken', token);
      ctx.body = { access_token: await token.save(), token_type: 'Bearer' };
    };
    provider.registerGrantType('trial', trial, new Set(['claims', 'resource']));
    return provider;
  }

  async #post(path: string, form: Readonly<Record<string, string>>): Promise<Record<string, unknown>> {
    const posted = request(`${this.issuer}${path}`, {
      method: 'POST',
      ca: this.#pem,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    posted.end(new URLSearchParams(form).toString());
    const [response] = (await once(posted, 'response')) as [import('node:http').IncomingMessage];
    const answer = await text(response);
    assert.equal(response.statusCode, 200, answer);
    return answer === '' ? {} : (JSON.parse(answer) as Record<string, unknown>);
  }
}

async function newKey(algorithm: Algorithm): Promise<Key> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
  return { kid: `${algorithm} ${crypto.randomUUID()}`, privateKey, publicKey };
}
