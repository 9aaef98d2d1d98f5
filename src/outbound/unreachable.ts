import type { PeerReply } from './reply.ts';

/** The host can't be used, now. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';
  readonly said: PeerReply;
  /** TLS could not be set up: without it the host might be reached. */
  readonly tls: boolean;

  constructor(said: PeerReply, tls: boolean) {
    super(said.text);
    this.said = said;
    this.tls = tls;
  }
}
