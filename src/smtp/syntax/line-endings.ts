/**
 * What message data must look like: lines that end in CRLF, no CR or LF on its own, no NUL (RFC 5321 2.3.8, 4.5.2).
 * SMTP refuses what breaks that, because servers disagree on what a bare CR or LF means; LMTP, spoken with a trusted
 * neighbour, turns it into CRLF.
 *
 * Invariant: what comes out is never cut between a CR and its LF.
 */
import { BadCommand } from '../../errors.ts';

const CR = 13;
const LF = 10;
const ANY_LINE_END = /\r\n|\r|\n/g;
const NOTHING = Buffer.alloc(0);
const CRLF = Buffer.from('\r\n');
const HELD_CR = Buffer.from('\r');

export type BareLineEnds = 'refuse' | 'mend';

/** Checks or mends the line endings of one message, chunk by chunk. */
export class LineEndings {
  readonly #bare: BareLineEnds;
  /** The last chunk ended in a CR: held back until it is clear whether an LF follows. */
  #heldCr = false;

  constructor(bare: BareLineEnds) {
    this.#bare = bare;
  }

  /** Takes the next bytes of the message. @returns them as they are to be stored @throws BadCommand for what no message may hold */
  push(data: Buffer): Buffer {
    if (data.length === 0) return data;
    // RFC 5321 4.5.2: no NUL without BINARYMIME
    if (data.includes(0)) throw new BadCommand('The message contains a NUL byte, which no message may.');
    const held = this.#heldCr;
    this.#heldCr = data[data.length - 1] === CR;
    const whole = this.#heldCr ? data.subarray(0, -1) : data;
    const all = held ? Buffer.concat([HELD_CR, whole]) : whole;
    return hasBare(all) ? Buffer.from(this.#mended(all.toString('latin1')), 'latin1') : all;
  }

  /** The message is whole. @returns what is still to be stored @throws BadCommand when it ends in a bare CR */
  finish(): Buffer {
    if (!this.#heldCr) return NOTHING;
    this.#mended('\r');
    return CRLF;
  }

  #mended(text: string): string {
    if (this.#bare === 'mend') return text.replace(ANY_LINE_END, '\r\n');
    throw new BadCommand('The message contains a CR or LF that is not part of CRLF; every line must end in CRLF.');
  }
}

/** True when a CR or LF stands alone. Two searches a line: as fast as anything that makes no garbage. */
function hasBare(data: Buffer): boolean {
  for (let at = 0; ; ) {
    const cr = data.indexOf(CR, at);
    const lf = data.indexOf(LF, at);
    if (cr === -1 && lf === -1) return false;
    if (cr === -1 || lf !== cr + 1) return true;
    at = lf + 1;
  }
}
