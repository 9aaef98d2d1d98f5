/**
 * POP3 devices of people (operations/devices.ts): `store.devices`. Reads what a device is to be shown, writes what it has had, and from time to
 * time removes what no device holds any more.
 */
import { CHUNK_ROWS, type Engine, PAGE_ROWS, type Writer } from './engine/engine.ts';
import type { SqliteEngine } from './engine/sqlite.ts';
import { isFull } from './engine/sqlite-errors.ts';
import { type AccountId, type EpochSeconds, type ItemId, nowSeconds } from './ids.ts';
import {
  accountsWithDevices,
  type DeleteArgs,
  type Device,
  deleteByPop3,
  devicesOf,
  isPasswordAlone,
  isUpToDate,
  type LetGoRule,
  type LetGoTerms,
  letGoBy,
  type MailboxMessages,
  meetDevice,
  noteFetched,
  noteShared,
  type SeenMessage,
  type SettleArgs,
  setDeviceStart,
  settlePage,
} from './operations/devices.ts';
import type { TraceBy } from './trace-types.ts';

export type { Device, LetGoRule, MailboxMessages, SeenMessage };

export interface DeviceSettings {
  /** Seconds without a sign-in after which a device holds nothing any more. */
  readonly silentAfter: number;
  /** How long removed messages can be brought back, in seconds. */
  readonly retention: number;
}

/** What a device may not be shown. */
export interface Shown {
  /** It is the password, which all programs of the person share: there is no other device. */
  readonly isAlone: boolean;
  readonly start: EpochSeconds;
  readonly letGo: ReadonlySet<ItemId>;
}

const KEEP: LetGoRule = { kind: 'keep' };

type Times = Omit<LetGoTerms, 'rule' | 'by'>;

const A_DAY = 86_400;

export class Devices {
  readonly #engine: SqliteEngine;
  readonly #write: Engine['write'];
  readonly #settings: DeviceSettings;
  readonly #traceBy: (by: TraceBy | undefined) => TraceBy | undefined;
  readonly #onTrouble: (error: unknown) => void;
  #ruleOf: (account: AccountId) => LetGoRule | Promise<LetGoRule> = () => KEEP;
  #settled: EpochSeconds = 0;

  /**
   * @param traceBy  what operations note of who does something ({@link Trace.by})
   * @param onTrouble  hears why the sign-in of a device could not be noted
   */
  constructor(
    engine: SqliteEngine,
    write: Engine['write'],
    settings: DeviceSettings,
    traceBy: (by: TraceBy | undefined) => TraceBy | undefined,
    onTrouble: (error: unknown) => void,
  ) {
    this.#engine = engine;
    this.#write = write;
    this.#settings = settings;
    this.#traceBy = traceBy;
    this.#onTrouble = onTrouble;
  }

  /** Each account has a rule of its own, asked for whenever something may leave. Until there are rules, nothing does. */
  useRules(ruleOf: (account: AccountId) => LetGoRule | Promise<LetGoRule>): void {
    this.#ruleOf = ruleOf;
  }

  /** Somebody signs in over POP3. @returns what this device is to be shown */
  async meet(account: AccountId, credential: number): Promise<Shown> {
    const terms = this.#times();
    const { devices, letGo } = await this.#engine.read(
      async (tx) => ({ devices: await devicesOf(tx, account), letGo: await letGoBy(tx, account, credential) }),
      account,
    );
    const device = devices.find((each) => each.credential === credential);
    if (!isUpToDate(device, terms.now)) await this.#note(account, credential, terms);
    return { isAlone: isPasswordAlone(credential, devices), start: device?.start ?? 0, letGo };
  }

  list(account: AccountId): Promise<readonly Device[]> {
    return this.#engine.read((tx) => devicesOf(tx, account), account);
  }

  /** True when a device has been silent for so long that it holds nothing any more. */
  isSilent({ lastSeen }: Device): boolean {
    return lastSeen < this.#times().silentBefore;
  }

  /** @param record  joins the transaction: the entry in the audit */
  setStart(
    account: AccountId,
    credential: number,
    start: EpochSeconds,
    record: (tx: Writer) => Promise<void>,
  ): Promise<void> {
    return this.#write(async (tx) => {
      await setDeviceStart(tx, account, credential, start, nowSeconds());
      await record(tx);
    });
  }

  noteShared(account: AccountId, credential: number): Promise<void> {
    return this.#write((tx) => noteShared(tx, account, credential, nowSeconds()));
  }

  async noteFetched(account: AccountId, credential: number, fetched: readonly MailboxMessages[]): Promise<void> {
    for (const { mailbox, messages } of fetched) {
      for (let from = 0; from < messages.length; from += CHUNK_ROWS) {
        const chunk = { mailbox, messages: messages.slice(from, from + CHUNK_ROWS) };
        await this.#write((tx) => noteFetched(tx, account, credential, chunk, nowSeconds()));
      }
    }
  }

  /** Carries out what a session marked, all of it or nothing; durable when it resolves. @returns how many messages */
  async delete(
    account: AccountId,
    credential: number | null,
    marked: readonly MailboxMessages[],
    by?: TraceBy,
  ): Promise<number> {
    const args: DeleteArgs = { account, credential, marked, terms: await this.#terms(account, by) };
    const many = marked.reduce((sum, { messages }) => sum + messages.length, 0) > CHUNK_ROWS;
    if (many) return this.#engine.writeInWorker<number>(account, 'deleteByPop3', args);
    return this.#write((tx) => deleteByPop3(tx, args));
  }

  /** {@link settle}, once a day: part of housekeeping. */
  async settleDaily(stopped: () => boolean): Promise<void> {
    const now = nowSeconds();
    if (now - this.#settled < A_DAY) return;
    await this.settle(stopped);
    if (!stopped()) this.#settled = now;
  }

  /** Removes what no device holds any more, since devices fell silent or days passed. */
  async settle(stopped: () => boolean): Promise<void> {
    for (let account: AccountId | undefined = 0 as AccountId; ; ) {
      const from: AccountId = account;
      [account] = await this.#engine.read((tx) => accountsWithDevices(tx, from, 1));
      if (account === undefined) break;
      const terms = await this.#terms(account);
      for (let after: ItemId | undefined = 0 as ItemId; after !== undefined; ) {
        if (stopped()) return;
        const args: SettleArgs = { account, after, limit: PAGE_ROWS, terms };
        after = await this.#write((tx) => settlePage(tx, args));
      }
    }
  }

  /** A full or failing disk does not stop reading: nothing leaves the mailbox meanwhile either, and the next sign-in notes it. */
  async #note(account: AccountId, credential: number, times: Times): Promise<void> {
    try {
      await this.#write((tx) => meetDevice(tx, account, credential, times));
    } catch (error) {
      if (!isFull(error)) this.#onTrouble(error);
    }
  }

  async #terms(account: AccountId, by?: TraceBy): Promise<LetGoTerms> {
    const rule = await this.#ruleOf(account);
    return { rule, by: this.#traceBy(by), ...this.#times() };
  }

  #times(): Times {
    const { silentAfter, retention } = this.#settings;
    const now = nowSeconds();
    return { now, silentBefore: now - silentAfter, expires: now + retention };
  }
}
