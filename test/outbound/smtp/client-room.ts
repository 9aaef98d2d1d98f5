/** A client of ours and a scripted peer, on loopback. */
import type { TestContext } from 'node:test';
import { Peer, type PeerMessage, type PeerOptions, type RecipientResult } from '../../../src/outbound/peer.ts';
import { defer } from '../../helpers/defer.ts';
import { PATIENT, type Saying, type ScriptedPeer } from '../scripted-peer.ts';

export const BODY = 'Subject: Offer\r\n\r\n.hidden\r\nThat is all.\r\n';
export const MESSAGE: PeerMessage = {
  sender: 'anna@office.test',
  recipients: ['carl@example.net', 'dora@example.net'],
  sizeBytes: BODY.length,
  options: {},
  notify: [],
  original: '',
};

/** Without TLS; it is closed with the test. @throws Unreachable */
export async function connectTo(
  t: TestContext,
  { port }: Pick<ScriptedPeer, 'port'>,
  more: Partial<PeerOptions> = {},
): Promise<Peer> {
  const tls = { mode: 'none', options: {} } as const;
  const options = { address: '127.0.0.1', port, helo: 'mail.office.test', tls, limits: PATIENT };
  const peer = await Peer.connect({ ...options, ...more });
  defer(t, () => peer.close());
  return peer;
}

/** Its bytes, one chunk each. */
export async function* bodyOf(...chunks: readonly string[]): AsyncGenerator<Buffer, void, void> {
  for (const chunk of chunks) yield Buffer.from(chunk);
}

/** What {@link MESSAGE}, or another, came to, by recipient. */
export async function given(peer: Peer, more: Partial<PeerMessage> = {}): Promise<number[]> {
  return (await results(peer, more)).map(({ reply }) => reply);
}

export function results(peer: Peer, more: Partial<PeerMessage> = {}): Promise<RecipientResult[]> {
  return peer.send({ ...MESSAGE, ...more }, () => bodyOf(BODY));
}

/** Says these things, by the whole line or by its first word. */
export function saying(what: Readonly<Record<string, Saying>>) {
  return (command: string, line: string): Saying | undefined => what[line] ?? what[command];
}
