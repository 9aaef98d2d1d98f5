/** Parts of mailauth that it has no types for: its verifier without the stream around it, and how it reads keys. Only what is used. */

declare module 'mailauth/lib/dkim/dkim-verifier.js' {
  import type { ARCData, DKIMResult, DKIMVerifyOptions } from 'mailauth';
  import type { KeyCache } from 'mailauth/lib/tools.js';

  export class DkimVerifier {
    constructor(options: DKIMVerifyOptions);
    /** The whole header with its blank line, once and first. */
    emitHeaders(header: Buffer): Promise<void>;
    /** The next bytes of the body, whose lines all end in CRLF. */
    nextChunk(bytes: Buffer): Promise<void>;
    /** Asks for the keys and verifies. */
    finalChunk(): Promise<void>;
    /** What is hashed of the body, by form, algorithm and length; known once the header is. */
    readonly bodyHashes: Map<string, unknown>;
    readonly signatureHeaders: readonly {
      readonly bodyHashKey?: string;
      readonly selector?: string;
      readonly signingDomain?: string;
      /** Why it proves nothing, whatever the key says. */
      invalid?: string;
    }[];
    readonly results: readonly DKIMResult[];
    /** Addresses of all From fields, and how many such fields there are. */
    readonly headerFrom: string[];
    readonly fromFields: number;
    readonly arc: ARCData & { keyCache: KeyCache };
    /** Where it asks for keys. */
    keyCache: KeyCache;
  }
}

declare module 'mailauth/lib/tools.js' {
  import type { KeyObject } from 'node:crypto';
  import type { DNSResolver } from 'mailauth';

  export interface KeyOptions {
    readonly strict?: boolean;
    /** Of the signature; a key may be for others alone. */
    readonly hashAlgo?: string;
  }
  export interface SigningKey<Key> {
    readonly publicKey: Key;
    /** The record. */
    readonly rr: string;
  }
  /** @throws Error with a code for what is wrong with the key, or with the question */
  export function getPublicKey(
    type: string,
    name: string,
    leastBits: number,
    resolver: DNSResolver,
    options: KeyOptions,
  ): Promise<SigningKey<string>>;

  /** What the verifier asks for keys; its own makes each anew for each message. */
  export interface KeyCache {
    /** By this, who verifies seals knows that it may ask here too. */
    readonly resolver: DNSResolver;
    get(type: string, name: string, leastBits: number, options: KeyOptions): Promise<SigningKey<KeyObject>>;
  }
}
