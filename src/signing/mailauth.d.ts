/** Parts of mailauth that it has no types for: only what is used. */

declare module 'mailauth/lib/dkim/body/index.js' {
  /** Hashes a body in a canonical form (RFC 6376 3.4), piece by piece. */
  export interface BodyHash {
    update(chunk: Buffer): void;
    digest(encoding: 'base64'): string;
  }
  export function dkimBody(canonicalization: 'relaxed' | 'simple', algorithm: 'sha256', maxBodyLength: false): BodyHash;
}

declare module 'mailauth/lib/dkim/header/index.js' {
  import type { ParsedField } from 'mailauth/lib/tools.js';

  export interface SignatureTags {
    b?: string;
  }
  export function generateCanonicalizedHeader(
    type: 'DKIM',
    /** `keys`: as in `h=`. `headers`: the fields in that order. */
    signed: { readonly keys: string; readonly headers: readonly ParsedField[] },
    options: {
      readonly canonicalization: 'relaxed/relaxed';
      readonly algorithm: string;
      readonly signingDomain: string;
      readonly selector: string;
      readonly bodyHash: string;
      /** Seconds since 1970. */
      readonly timestamp: number;
    },
  ): { readonly canonicalizedHeader: Buffer; readonly dkimHeaderOpts: SignatureTags };
}

declare module 'mailauth/lib/tools.js' {
  import type { SignatureTags } from 'mailauth/lib/dkim/header/index.js';

  export interface ParsedField {
    /** Lower case; undefined for a line that is no field. */
    readonly key?: string;
    readonly casedKey?: string;
    /** Without its last line end. */
    readonly line: Buffer;
  }
  export interface ParsedHeader {
    readonly parsed: readonly ParsedField[];
    readonly original: Buffer;
  }
  export function parseHeaders(header: Buffer): ParsedHeader;
  /** Reads a field by the rules of its name; of Authentication-Results, each method in lower case with its result. */
  export function parseDkimHeaders(field: Buffer): {
    readonly parsed: Readonly<Record<string, { readonly value?: unknown } | undefined>>;
  };
  /** Folded, without its last line end. */
  export function formatSignatureHeaderLine(type: 'DKIM', tags: SignatureTags, folded: true): string;
}
