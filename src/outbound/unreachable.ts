import type { PeerReply } from './reply.ts';

/** The host can't be used, now. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';
  readonly said: PeerReply;
  /** TLS could not be set up: without it the host might be reached. */
  readonly tls: boolean;
  /** The host's name and address; empty: it did not come to one. */
  readonly peer: string;

  constructor(said: PeerReply, tls: boolean, peer = '') {
    super(said.text);
    this.said = said;
    this.tls = tls;
    this.peer = peer;
  }

  /** @param peer  where it was */
  at(peer: string): Unreachable {
    return new Unreachable(this.said, this.tls, peer);
  }
}
