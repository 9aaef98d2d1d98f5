/** Whose mail is checked. */
import type { BlockList } from 'node:net';
import type { Envelope } from '../delivery/types.ts';
import { isIn } from '../net/address.ts';

/** Only what strangers bring is checked: not what people of the office send, nor what a neighbour hands over by LMTP, nor imports. */
export function isFromStranger(trusted: BlockList, { protocol, signedIn, remoteAddress }: Envelope): boolean {
  return protocol === 'smtp' && signedIn === undefined && !isIn(trusted, remoteAddress);
}
