/** A part of mailauth that it has no types for: its verifier without the stream around it. Only what is used. */

declare module 'mailauth/lib/dkim/dkim-verifier.js' {
  import type { ARCData, DKIMResult, DKIMVerifyOptions } from 'mailauth';

  export class DkimVerifier {
    constructor(options: DKIMVerifyOptions);
    /** The whole header with its blank line, once and first. */
    emitHeaders(header: Buffer): Promise<void>;
    /** The next bytes of the body, whose lines all end in CRLF. */
    nextChunk(bytes: Buffer): Promise<void>;
    /** Asks for the keys and verifies. */
    finalChunk(): Promise<void>;
    readonly results: readonly DKIMResult[];
    /** Addresses of all From fields, and how many such fields there are. */
    readonly headerFrom: string[];
    readonly fromFields: number;
    readonly arc: ARCData;
  }
}
