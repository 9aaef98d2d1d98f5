/** The client's side of SCRAM-SHA-256 (RFC 5802 3), written apart from the server's: for tests. */
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';

export interface ScramClientOptions {
  readonly name: string;
  readonly password: string;
  readonly nonce?: string;
  /** `n,,` when absent. */
  readonly gs2Header?: string;
  readonly bindingData?: Buffer;
}

const hmac = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest();

export class ScramClient {
  readonly #options: ScramClientOptions;
  readonly #bare: string;
  #serverSignature = '';

  constructor(options: ScramClientOptions) {
    this.#options = options;
    const name = options.name.replaceAll('=', '=3D').replaceAll(',', '=2C');
    this.#bare = `n=${name},r=${options.nonce ?? 'rOprNGfwEbeRWgbNEkqO'}`;
  }

  first(): Buffer {
    return Buffer.from(`${this.#options.gs2Header ?? 'n,,'}${this.#bare}`);
  }

  final(serverFirst: Buffer): Buffer {
    const { nonce, salt, iterations } = /^r=(?<nonce>[^,]+),s=(?<salt>[^,]+),i=(?<iterations>\d+)$/.exec(
      serverFirst.toString(),
    )!.groups as Record<'nonce' | 'salt' | 'iterations', string>;
    const { password, gs2Header = 'n,,', bindingData = Buffer.alloc(0) } = this.#options;
    const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), Number(iterations), 32, 'sha256');
    const binding = Buffer.concat([Buffer.from(gs2Header), bindingData]).toString('base64');
    const withoutProof = `c=${binding},r=${nonce}`;
    const authMessage = `${this.#bare},${serverFirst},${withoutProof}`;
    const clientKey = hmac(salted, 'Client Key');
    const signature = hmac(createHash('sha256').update(clientKey).digest(), authMessage);
    const proof = clientKey.map((byte, index) => byte ^ signature[index]!);
    this.#serverSignature = `v=${hmac(hmac(salted, 'Server Key'), authMessage).toString('base64')}`;
    return Buffer.from(`${withoutProof},p=${Buffer.from(proof).toString('base64')}`);
  }

  /** What the server must answer to {@link final}. */
  get serverFinal(): string {
    return this.#serverSignature;
  }
}
