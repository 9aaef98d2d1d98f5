/** The messages of a SCRAM exchange (RFC 5802 7), pure: bytes in, fields out. Malformed ones throw BadCommand. */
import { isUtf8 } from 'node:buffer';
import { BadCommand } from '../errors.ts';

/** Longest message we read, in bytes: names and nonces are short, channel binding data are at most a hash. */
const MESSAGE_LIMIT = 4_096;

/** How the client sees channel binding: it can't (n), it thinks we can't (y), or it uses it (p=type). */
export type BindingFlag =
  | { readonly flag: 'n' }
  | { readonly flag: 'y' }
  | { readonly flag: 'p'; readonly type: string };

export interface ClientFirst {
  readonly binding: BindingFlag;
  /** Authorisation identity; empty when none is given. */
  readonly authzid: string;
  readonly name: string;
  readonly nonce: string;
  /** `gs2-header` as it came: the final message must repeat it. */
  readonly gs2Header: string;
  /** `client-first-message-bare` as it came: it is signed. */
  readonly bare: string;
}

export interface ClientFinal {
  /** `gs2-header` and the binding data, decoded. */
  readonly binding: Buffer;
  readonly nonce: string;
  readonly proof: Buffer;
  /** `client-final-message-without-proof` as it came: it is signed. */
  readonly withoutProof: string;
}

const GS2_HEADER = /^(?:([ny])|p=([A-Za-z0-9.-]+)),(?:a=([^,]+))?,/;
/** `extensions` are allowed and ignored, but `m=` is one we would have to understand (RFC 5802 5.1). */
const FIRST_BARE = /^n=([^,]+),r=([\x21-\x2b\x2d-\x7e]+)(?:,[A-Za-z]=[^,]+)*$/;
const FINAL = /^(c=([^,]*),r=([\x21-\x2b\x2d-\x7e]+)(?:,[A-Za-z]=[^,]+)*),p=([^,]+)$/;

/** Reads `client-first-message`. */
export function parseClientFirst(message: Buffer): ClientFirst {
  const text = decode(message);
  const header = GS2_HEADER.exec(text);
  if (header === null) throw new BadCommand('a SCRAM exchange begins with a GS2 header');
  const bare = text.slice(header[0].length);
  const fields = FIRST_BARE.exec(bare);
  if (fields === null) throw new BadCommand('the first SCRAM message holds a name and a nonce');
  return {
    binding: header[2] === undefined ? { flag: header[1] === 'y' ? 'y' : 'n' } : { flag: 'p', type: header[2] },
    authzid: header[3] === undefined ? '' : decodeName(header[3]),
    name: decodeName(fields[1]!),
    nonce: fields[2]!,
    gs2Header: header[0],
    bare,
  };
}

/** Reads `client-final-message`. */
export function parseClientFinal(message: Buffer): ClientFinal {
  const fields = FINAL.exec(decode(message));
  if (fields === null) throw new BadCommand('the last SCRAM message holds a channel binding, a nonce and a proof');
  return {
    binding: decodeBase64(fields[2]!),
    nonce: fields[3]!,
    proof: decodeBase64(fields[4]!),
    withoutProof: fields[1]!,
  };
}

/** RFC 5802 5.1: `=2C` for a comma, `=3D` for an equals sign, no other `=`. */
function decodeName(name: string): string {
  if (/=(?!2C|3D)/.test(name)) throw new BadCommand('a SCRAM name holds a stray "="');
  return name.replaceAll('=2C', ',').replaceAll('=3D', '=');
}

function decode(message: Buffer): string {
  if (message.length > MESSAGE_LIMIT) throw new BadCommand('the SCRAM message is too long');
  if (!isUtf8(message) || message.includes(0)) throw new BadCommand('a SCRAM message is UTF-8 without NUL');
  return message.toString();
}

/** Strict: what we decode is what was signed, to the last bit (RFC 4648 3.5). */
function decodeBase64(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text) throw new BadCommand('a SCRAM field is not Base64');
  return bytes;
}
