/**
 * What must be in the mailboxes, and what may be: made of the journal's events, compared with what is there after a crash.
 *
 * - What was acknowledged, or shown to anybody, is there.
 * - What was asked and not acknowledged happened wholly or not at all; each account asks for one change at a time.
 * - Nothing is there twice, and nothing that nobody sent.
 * - A UID, once shown, belongs to its message for ever; UIDVALIDITY stays, UIDNEXT and mod-sequences only rise. So with a UIDL.
 */
import type { AccountName, Change, Event, MailboxName, MailboxState, Snapshot } from './journal.ts';
import type { Token } from './messages.ts';

interface KnownMessage {
  readonly token: Token;
  readonly flags: readonly string[];
}

interface KnownMailbox {
  uidvalidity: number;
  uidnext: number;
  /** Every message with a UID below it has been seen. */
  seenTo: number;
  modseq: number;
  /** What is in it now, by UID. */
  messages: Map<number, KnownMessage>;
  /** All UIDs it ever gave, and the highest mod-sequence shown for each. */
  readonly issued: Map<number, { readonly token: Token; modseq: number }>;
}

interface KnownAccount {
  readonly mailboxes: Map<MailboxName, KnownMailbox>;
  pending: Change | undefined;
  /** Delivered to INBOX, or perhaps: their UIDs are not known yet. */
  readonly arrivals: Set<Token>;
  readonly uidls: Map<string, Token>;
}

interface Delivery {
  readonly to: readonly AccountName[];
  /** Acknowledged, or seen by a recipient: all must have it. */
  certain: boolean;
}

const INBOX = 'INBOX';

export class Model {
  readonly #accounts = new Map<AccountName, KnownAccount>();
  /** Since the last restart. */
  readonly #deliveries = new Map<Token, Delivery>();
  readonly #contradictions: string[] = [];

  /** Everything in this account's mailboxes that is known to be whole: no need to read it again. */
  knows(account: AccountName, mailbox: MailboxName, uid: number): boolean {
    return this.#accounts.get(account)?.mailboxes.get(mailbox)?.messages.has(uid) === true;
  }

  /** UIDs that are in a mailbox now, as far as is known; they rise. */
  uids(account: AccountName, mailbox: MailboxName): number[] {
    return [...this.#mailbox(account, mailbox).messages.keys()].sort((a, b) => a - b);
  }

  /** Messages with a UID from here on may not have been seen yet. */
  seenTo(account: AccountName, mailbox: MailboxName): number {
    return this.#mailbox(account, mailbox).seenTo;
  }

  apply(event: Event): void {
    switch (event.event) {
      case 'sent':
        this.#deliveries.set(event.token, { to: event.to, certain: false });
        for (const name of event.to) this.#account(name).arrivals.add(event.token);
        break;
      case 'taken':
        this.#deliveries.get(event.token)!.certain = true;
        break;
      case 'asked':
        this.#account(event.account).pending = event.change;
        break;
      case 'done':
        this.#done(event.account, event.uids);
        break;
      case 'seen':
        this.#seen(event);
        break;
      case 'listed':
        this.#listed(event.account, event.messages);
        break;
      case 'restarted':
        this.#adopt(event.snapshot);
        break;
    }
  }

  /** What is wrong with what is there. Empty: everything is as it must be. */
  problems(snapshot: Snapshot): string[] {
    const problems = [...this.#contradictions];
    for (const [name, account] of this.#accounts) {
      const found = snapshot[name];
      if (found === undefined) problems.push(`${name}: the account is gone`);
      else problems.push(...this.#accountProblems(name, account, found));
    }
    for (const [token, { to, certain }] of this.#deliveries) {
      if (certain || to.length === 1) continue;
      const got = to.filter((name) => snapshot[name]?.[INBOX]?.messages.some((message) => message.token === token));
      if (got.length > 0 && got.length < to.length)
        problems.push(`the delivery ${token} to ${to} reached only ${got}, and nobody was told so`);
    }
    return problems;
  }

  #done(name: AccountName, uids: readonly number[]): void {
    const account = this.#account(name);
    const change = account.pending!;
    account.pending = undefined;
    const { removed, flags, added } = effectOf(change, (mailbox) => this.#mailbox(name, mailbox).messages);
    for (const [mailbox, gone] of removed) for (const uid of gone) this.#mailbox(name, mailbox).messages.delete(uid);
    for (const [mailbox, changed] of flags)
      for (const [uid, message] of changed) this.#mailbox(name, mailbox).messages.set(uid, message);
    if (added !== undefined) {
      const target = this.#mailbox(name, added.mailbox);
      if (uids.length !== added.messages.length)
        this.#contradictions.push(`${name}: ${change.kind} made ${uids.length} messages of ${added.messages.length}`);
      for (const [index, uid] of uids.entries())
        this.#show(name, added.mailbox, target, uid, added.messages[index]!, 0);
    }
    if (change.kind === 'quit') {
      const inbox = this.#mailbox(name, INBOX);
      for (const [uid, { token }] of inbox.messages) if (change.tokens.includes(token)) inbox.messages.delete(uid);
      for (const token of change.tokens) account.arrivals.delete(token);
    }
  }

  #seen({ account: name, mailbox, uidvalidity, uidnext, modseq, messages }: Event & { event: 'seen' }): void {
    const known = this.#mailbox(name, mailbox);
    if (known.uidvalidity !== 0 && known.uidvalidity !== uidvalidity)
      this.#contradictions.push(`${name} ${mailbox}: UIDVALIDITY became ${uidvalidity}, it was ${known.uidvalidity}`);
    known.uidvalidity = uidvalidity;
    for (const message of messages) {
      const isNew = !known.issued.has(message.uid);
      this.#show(name, mailbox, known, message.uid, message, message.modseq);
      if (isNew) this.#arrived(name, mailbox, message.token);
    }
    known.uidnext = Math.max(known.uidnext, uidnext);
    known.seenTo = Math.max(known.seenTo, uidnext);
    known.modseq = Math.max(known.modseq, modseq);
  }

  /** A message was shown with a UID that we had not heard of: it must be of a delivery. */
  #arrived(name: AccountName, mailbox: MailboxName, token: Token): void {
    const delivery = this.#deliveries.get(token);
    if (mailbox !== INBOX || delivery === undefined || !this.#account(name).arrivals.delete(token))
      this.#contradictions.push(`${name} ${mailbox}: ${token} was shown, and nobody put it there`);
    else delivery.certain = true;
  }

  #show(
    name: AccountName,
    mailbox: MailboxName,
    known: KnownMailbox,
    uid: number,
    { token, flags }: KnownMessage,
    modseq: number,
  ): void {
    const before = known.issued.get(uid);
    if (before !== undefined && before.token !== token)
      this.#contradictions.push(`${name} ${mailbox}: UID ${uid} is ${token} now, it was ${before.token}`);
    known.issued.set(uid, { token, modseq: Math.max(modseq, before?.modseq ?? 0) });
    known.messages.set(uid, { token, flags });
    known.uidnext = Math.max(known.uidnext, uid + 1);
  }

  #listed(name: AccountName, messages: readonly { readonly uidl: string; readonly token: Token }[]): void {
    const { uidls } = this.#account(name);
    for (const { uidl, token } of messages) {
      const before = uidls.get(uidl);
      if (before !== undefined && before !== token)
        this.#contradictions.push(`${name}: UIDL ${uidl} is ${token} now, it was ${before}`);
      uidls.set(uidl, token);
      const delivery = this.#deliveries.get(token);
      if (delivery !== undefined) delivery.certain = true;
    }
    for (const [uidl, token] of uidls) {
      const now = messages.find((message) => message.token === token);
      if (now !== undefined && now.uidl !== uidl)
        this.#contradictions.push(`${name}: ${token} has the UIDL ${now.uidl} now, it was ${uidl}`);
    }
  }

  /** What is there is what must be there from now on; what was not acknowledged has been decided. */
  #adopt(snapshot: Snapshot): void {
    for (const [name, mailboxes] of Object.entries(snapshot)) {
      const account = this.#account(name);
      account.pending = undefined;
      account.arrivals.clear();
      for (const [mailbox, state] of Object.entries(mailboxes)) {
        const known = this.#mailbox(name, mailbox);
        known.uidvalidity = state.uidvalidity;
        known.messages = new Map();
        for (const message of state.messages) this.#show(name, mailbox, known, message.uid, message, message.modseq);
        known.uidnext = Math.max(known.uidnext, state.uidnext);
        known.seenTo = known.uidnext;
        known.modseq = Math.max(known.modseq, state.modseq);
      }
    }
    this.#deliveries.clear();
  }

  #accountProblems(name: AccountName, account: KnownAccount, found: Snapshot[AccountName]): string[] {
    const problems: string[] = [];
    for (const [mailbox, known] of account.mailboxes) {
      const state = found[mailbox];
      if (state === undefined) problems.push(`${name} ${mailbox}: the mailbox is gone`);
      else problems.push(...numberProblems(known, state).map((text) => `${name} ${mailbox}: ${text}`));
    }
    const undone = this.#contentProblems(account, found, undefined);
    if (undone.length > 0 && account.pending !== undefined) {
      const done = this.#contentProblems(account, found, account.pending);
      const fewer = done.length <= undone.length ? done : undone;
      problems.push(...fewer.map((text) => `${name}: ${text} (in doubt: ${JSON.stringify(account.pending)})`));
    } else problems.push(...undone.map((text) => `${name}: ${text}`));
    return problems;
  }

  /** Compares the messages, as if the change had happened, or none. */
  #contentProblems(account: KnownAccount, found: Snapshot[AccountName], change: Change | undefined): string[] {
    const problems: string[] = [];
    const messagesOf = (mailbox: MailboxName) => account.mailboxes.get(mailbox)?.messages ?? new Map();
    const effect = change === undefined ? NO_EFFECT : effectOf(change, messagesOf);
    const quit = change?.kind === 'quit' ? change.tokens : [];
    for (const [mailbox, state] of Object.entries(found)) {
      const expected = new Map(messagesOf(mailbox));
      for (const uid of effect.removed.get(mailbox) ?? []) expected.delete(uid);
      for (const [uid, message] of effect.flags.get(mailbox) ?? []) expected.set(uid, message);
      const added = effect.added?.mailbox === mailbox ? [...effect.added.messages] : [];
      const arrivals = new Set(mailbox === INBOX ? account.arrivals : []);
      if (mailbox === INBOX && quit.length > 0) {
        for (const [uid, { token }] of expected) if (quit.includes(token)) expected.delete(uid);
        for (const token of quit) arrivals.delete(token);
      }
      for (const { uid, token, flags } of state.messages) {
        const message = expected.get(uid);
        if (message !== undefined) {
          expected.delete(uid);
          if (message.token !== token) problems.push(`${mailbox} ${uid} is ${token}, not ${message.token}`);
          if (`${message.flags}` !== `${flags}`)
            problems.push(`${mailbox} ${uid} has the flags ${flags}, not ${message.flags}`);
        } else if (added[0]?.token === token && `${added[0].flags}` === `${flags}`) added.shift();
        else if (!arrivals.delete(token))
          problems.push(`${mailbox} ${uid} (${token}) should not be there, or not twice`);
      }
      for (const [uid, { token }] of expected) problems.push(`${mailbox} ${uid} (${token}) is lost`);
      for (const { token } of added) problems.push(`${mailbox} has ${token} only in part of a change`);
      for (const token of arrivals)
        if (this.#deliveries.get(token)!.certain) problems.push(`${mailbox}: the delivery ${token} is lost`);
    }
    return problems;
  }

  #account(name: AccountName): KnownAccount {
    let account = this.#accounts.get(name);
    if (account === undefined) {
      account = { mailboxes: new Map(), pending: undefined, arrivals: new Set(), uidls: new Map() };
      this.#accounts.set(name, account);
    }
    return account;
  }

  #mailbox(name: AccountName, mailbox: MailboxName): KnownMailbox {
    const { mailboxes } = this.#account(name);
    let known = mailboxes.get(mailbox);
    if (known === undefined) {
      known = { uidvalidity: 0, uidnext: 1, seenTo: 1, modseq: 0, messages: new Map(), issued: new Map() };
      mailboxes.set(mailbox, known);
    }
    return known;
  }
}

interface Effect {
  readonly removed: ReadonlyMap<MailboxName, readonly number[]>;
  readonly flags: ReadonlyMap<MailboxName, ReadonlyMap<number, KnownMessage>>;
  readonly added: { readonly mailbox: MailboxName; readonly messages: readonly KnownMessage[] } | undefined;
}

const NO_EFFECT: Effect = { removed: new Map(), flags: new Map(), added: undefined };

/** What a change does to what is there; QUIT apart, which names messages by their token. */
function effectOf(change: Change, messagesOf: (mailbox: MailboxName) => ReadonlyMap<number, KnownMessage>): Effect {
  switch (change.kind) {
    case 'append':
      return { ...NO_EFFECT, added: { mailbox: change.mailbox, messages: change.messages } };
    case 'flags': {
      const messages = messagesOf(change.mailbox);
      const changed = new Map<number, KnownMessage>();
      for (const uid of change.uids) {
        const { token, flags } = messages.get(uid)!;
        const others = flags.filter((flag) => !change.flags.includes(flag));
        changed.set(uid, { token, flags: (change.add ? [...others, ...change.flags] : others).sort() });
      }
      return { ...NO_EFFECT, flags: new Map([[change.mailbox, changed]]) };
    }
    case 'copy':
    case 'move': {
      const messages = messagesOf(change.mailbox);
      const added = { mailbox: change.to, messages: change.uids.map((uid) => messages.get(uid)!) };
      return change.kind === 'copy'
        ? { ...NO_EFFECT, added }
        : { ...NO_EFFECT, added, removed: new Map([[change.mailbox, change.uids]]) };
    }
    case 'expunge':
      return { ...NO_EFFECT, removed: new Map([[change.mailbox, change.uids]]) };
    case 'quit':
      return NO_EFFECT;
  }
}

/** UIDs, mod-sequences, counts and bytes. */
function numberProblems(known: KnownMailbox, state: MailboxState): string[] {
  const problems: string[] = [];
  if (known.uidvalidity !== 0 && state.uidvalidity !== known.uidvalidity)
    problems.push(`UIDVALIDITY is ${state.uidvalidity}, it was ${known.uidvalidity}`);
  if (state.uidnext < known.uidnext) problems.push(`UIDNEXT is ${state.uidnext}, it was ${known.uidnext}`);
  if (state.modseq < known.modseq) problems.push(`HIGHESTMODSEQ is ${state.modseq}, it was ${known.modseq}`);
  let [unseen, deleted, bytes] = [0, 0, 0];
  for (const { uid, token, modseq, flags, size, whole } of state.messages) {
    const before = known.issued.get(uid);
    if (before !== undefined && before.token !== token) problems.push(`UID ${uid} is ${token}, it was ${before.token}`);
    if (before !== undefined && modseq < before.modseq)
      problems.push(`MODSEQ of UID ${uid} is ${modseq}, it was ${before.modseq}`);
    if (before === undefined && uid < known.seenTo)
      problems.push(`${token} has the UID ${uid}, below those that had been seen`);
    if (uid >= state.uidnext) problems.push(`UID ${uid} is not below UIDNEXT ${state.uidnext}`);
    if (modseq > state.modseq) problems.push(`MODSEQ of UID ${uid} is ${modseq}, above HIGHESTMODSEQ ${state.modseq}`);
    if (whole === false) problems.push(`UID ${uid} (${token}) has not the bytes that were sent`);
    if (!flags.includes('\\seen')) unseen++;
    if (flags.includes('\\deleted')) deleted++;
    bytes += size;
  }
  const counts: readonly (readonly [string, number, number])[] = [
    ['messages', state.total, state.messages.length],
    ['unseen', state.unseen, unseen],
    ['deleted', state.deleted, deleted],
    ['bytes', state.sizeBytes, bytes],
  ];
  for (const [what, said, counted] of counts)
    if (said !== counted) problems.push(`STATUS says ${said} ${what}, there are ${counted}`);
  return problems;
}
