/**
 * The bytes of emails: `store.bodies`. Compaction may move a body after its address was read; whoever reads it by then still has it, since it is
 * looked for again.
 */
import { Refused } from '../errors.ts';
import type { BodyChunksOptions, Refusal } from './api.ts';
import type { Segments } from './bodies/segments.ts';
import type { Engine } from './engine/engine.ts';
import type { AccountId, EmailId } from './ids.ts';
import { readBodyAddress } from './operations/emails.ts';
import type { BodyAddress } from './types.ts';

export class EmailBodies {
  readonly #engine: Engine;
  readonly #segments: Segments;

  constructor(engine: Engine, segments: Segments) {
    this.#engine = engine;
    this.#segments = segments;
  }

  /** A whole body (without the prefix), for messages up to {@link STREAM_ABOVE}. @throws Refused `message.gone`, `message.damaged` */
  async whole(account: AccountId, email: EmailId, address: BodyAddress): Promise<Buffer> {
    try {
      return await this.#segments.read(address);
    } catch (error) {
      return this.#segments.read(await this.#whereNow(account, email, address, error));
    }
  }

  /**
   * Bodies read ahead in one go where they stand side by side on disk; yields in the order asked for. Each is whole.
   * For FETCH of many: about 1 MB is read at a time. Bodies above STREAM_ABOVE come as null: read them with {@link chunks}.
   */
  async *many(
    account: AccountId,
    wanted: readonly { readonly email: EmailId; readonly body: BodyAddress }[],
  ): AsyncGenerator<Buffer | null | Refusal, void, void> {
    let index = 0;
    for await (const body of this.#segments.readMany(wanted.map((each) => each.body))) {
      const { email, body: address } = wanted[index++]!;
      if (!(body instanceof Refused)) yield body;
      else yield await this.whole(account, email, address).catch((error: unknown) => asRefusal(error));
    }
  }

  /** Part of a body in chunks of 64 KB; the checksum is verified when all of it was read, and a mismatch throws at the end. */
  async *chunks(
    account: AccountId,
    email: EmailId,
    address: BodyAddress,
    { from, to, reuse }: BodyChunksOptions = {},
  ): AsyncGenerator<Buffer, void, void> {
    let sent = false;
    try {
      for await (const chunk of this.#segments.readChunks(address, from, to, reuse)) {
        sent = true;
        yield chunk;
      }
    } catch (error) {
      if (sent) throw error;
      yield* this.#segments.readChunks(await this.#whereNow(account, email, address, error), from, to, reuse);
    }
  }

  /** False when the bytes of an email are damaged or missing. One that has no row has none to be wrong. */
  async isReadable(account: AccountId, email: EmailId): Promise<boolean> {
    const address = await this.#engine.read((tx) => readBodyAddress(tx, account, email), account);
    if (address === undefined) return true;
    try {
      for await (const chunk of this.chunks(account, email, address, { reuse: true })) void chunk;
      return true;
    } catch (error) {
      if (error instanceof Refused && (error.code === 'message.damaged' || error.code === 'message.gone')) return false;
      throw error;
    }
  }

  /** @throws the error when the body has not moved */
  async #whereNow(account: AccountId, email: EmailId, address: BodyAddress, error: unknown): Promise<BodyAddress> {
    if (!(error instanceof Refused) || error.code !== 'message.gone') throw error;
    const now = await this.#engine.read((tx) => readBodyAddress(tx, account, email), account);
    if (now === undefined || (now.segment === address.segment && now.offset === address.offset)) throw error;
    return now;
  }
}

function asRefusal(error: unknown): Refusal {
  if (error instanceof Refused) return error;
  throw error;
}
