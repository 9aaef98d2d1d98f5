/**
 * Mail on its way to other servers: what is done with what waits. Each leaves an entry in the audit, in the transaction of its first change.
 */
import { z } from 'zod';
import { parseDomain } from '../../directory/address.ts';
import { Refused } from '../../errors.ts';
import type { Reporter } from '../../outbound/types.ts';
import type { Progress } from '../../progress.ts';
import type { Writer } from '../../store/engine/engine.ts';
import { nowSeconds } from '../../store/ids.ts';
import { recordAudit } from '../../store/operations/audit.ts';
import { isForLater, type QueueChange, type QueueEntry } from '../../store/queue.ts';
import { recordQueueChange } from '../../trace/attempts.ts';
import type { Office } from '../office.ts';
import { action, type Run } from './action.ts';
import { type Selection, selected, selection } from './queue-selection.ts';

export interface QueueChanged {
  /** Recipients for whom it was done. */
  readonly recipients: number;
  readonly messages: number;
  /** It was stopped before the end: the same command goes on. */
  readonly stopped: boolean;
}

const which = z.strictObject(selection);

export const holdQueued = action({
  name: 'queue.hold',
  input: which,
  run: (office, input, run) => change(office, { ...input, held: false }, { kind: 'hold' }, run),
});

export const releaseQueued = action({
  name: 'queue.release',
  input: which,
  run: (office, input, run) => change(office, { ...input, held: true }, { kind: 'release' }, run),
});

/** Held ones too: who asks for it now means it. What is for later keeps its time, unless it is named itself. */
export const retryQueued = action({
  name: 'queue.retry',
  input: which,
  run: (office, input, run) =>
    change(
      office,
      input,
      { kind: 'retry' },
      run,
      (entry) => input.ids !== undefined || !isForLater(entry, nowSeconds()),
    ),
});

export const rerouteQueued = action({
  name: 'queue.reroute',
  input: z.strictObject({ ...selection, to: z.string().min(1) }),
  async run(office, { to, ...input }, run): Promise<QueueChanged> {
    return change(office, input, { kind: 'reroute', destination: destinationNamed(office, to) }, run);
  },
});

export const removeQueued = action({
  name: 'queue.remove',
  input: z.strictObject({
    ...selection,
    /** The senders are told that it was not sent. */
    report: z.boolean(),
  }),
  run(office, { report, ...input }, run) {
    if (!report) return change(office, input, { kind: 'remove' }, run);
    return removeAndReport(office, input, run);
  },
});

async function change(
  office: Office,
  input: Selection,
  change: QueueChange,
  run: Run,
  fits: (entry: QueueEntry) => boolean = () => true,
): Promise<QueueChanged> {
  const { store, directory, sending } = office;
  const audit = await auditEntry(office, input, change, run);
  const done = new Done();
  for await (const found of selected({ queue: store.queue, directory }, input)) {
    if (run.signal.aborted) break;
    const page = found.filter(fits);
    if (page.length === 0) continue;
    const isFirst = done.recipients === 0;
    await store.queue.change(page, change, async (tx, chunk) => {
      if (isFirst && chunk[0] === page[0]) await audit(tx);
      await recordQueueChange(tx, chunk, change, run.actor);
    });
    sending?.wake(); // some of it may have been read ahead, to be sent
    done.add(page);
    run.progress(done.progress);
  }
  return done.result(run);
}

/** Message by message: each report is about one, and comes with the change that it tells of. */
async function removeAndReport(office: Office, input: Selection, run: Run): Promise<QueueChanged> {
  const { store, directory, sending } = office;
  if (sending === null) {
    throw new Refused(
      'server.needed',
      'Reports to senders are written by a running server that sends mail, and none does here. Remove it without --report, or start the server first.',
    );
  }
  const audit = await auditEntry(office, { ...input, report: true }, { kind: 'remove' }, run);
  const done = new Done();
  for await (const page of selected({ queue: store.queue, directory }, input)) {
    for (const entries of byMessage(page)) {
      if (run.signal.aborted) return done.result(run);
      const isFirst = done.recipients === 0;
      done.add(
        await removeOne(office, sending.reporter, entries, async (tx, some) => {
          if (isFirst) await audit(tx);
          await recordQueueChange(tx, some, { kind: 'remove' }, run.actor);
        }),
      );
      sending.wake();
      run.progress(done.progress);
    }
  }
  return done.result(run);
}

/** Tries it again when some of the message left meanwhile, or was put off: nobody is told that it failed when it has been sent. */
async function removeOne(
  { store: { queue } }: Office,
  reporter: Reporter,
  entries: readonly QueueEntry[],
  record: (tx: Writer, entries: readonly QueueEntry[]) => Promise<void>,
): Promise<readonly QueueEntry[]> {
  const numbers = new Set(entries.map(({ number }) => number));
  for (let attempt = 1; ; attempt++) {
    const whole = await queue.message(entries[0]!.id);
    const recipients = whole?.recipients.filter(({ number }) => numbers.has(number)) ?? [];
    if (whole === undefined || recipients.length === 0) return [];
    const { message } = whole;
    const outcomes = recipients.map(
      (recipient) =>
        ({ recipient, kind: 'failed', said: REMOVED, peer: '', relaysNotices: false, unasked: true }) as const,
    );
    const report = await reporter.report(message, outcomes);
    const settlements = recipients.map(({ number }) => ({ number, end: 'removed' }) as const);
    try {
      const there = entries.filter(({ number }) => recipients.some((each) => each.number === number));
      await queue.settle({ message, recipients }, { settlements, report }, (tx) => record(tx, there));
      return there;
    } catch (error) {
      if (!(error instanceof Refused && error.code === 'queue.changed') || attempt === ATTEMPTS) throw error;
    }
  }
}

const ATTEMPTS = 5;
/** RFC 3463 3.8: by rule of those who run it. */
const REMOVED = {
  reply: 550,
  status: '5.7.0',
  text: 'An administrator of this server took the message out of its queue.',
};

/** What an administrator writes for a destination: a domain, whose servers take it, or a route of the configuration as `host:port`. */
function destinationNamed({ sending }: Office, text: string): string {
  const route = `route:${text.replace(/^route:/, '')}`;
  if (sending?.hasRoute(route) === true) return route;
  const domain = parseDomain(text);
  if (domain !== null) return domain;
  throw new Refused(
    'directory.invalid',
    `${text} is not a way for mail. Name a domain, whose servers take it then, or host:port of one of the [[routes]] that the running server has.`,
  );
}

/** What writes the entry of the audit: what was asked for. */
async function auditEntry(
  { directory }: Office,
  input: Selection & { readonly report?: true },
  change: QueueChange,
  { actor }: Run,
) {
  const account = input.account === undefined ? [] : [(await directory.account(input.account)).name];
  const detail = { ...input, ...(change.kind === 'reroute' && { to: change.destination }) };
  const entry = { actor, action: `queue.${change.kind}`, subject: 'queue', also: account, detail };
  return (tx: Writer) => recordAudit(tx, entry, nowSeconds());
}

function byMessage(entries: readonly QueueEntry[]): Iterable<readonly QueueEntry[]> {
  return Map.groupBy(entries, ({ id }) => id).values();
}

/** What has been done so far. Entries come in the order of their messages. */
class Done {
  recipients = 0;
  #messages = 0;
  #last: number | undefined;

  add(entries: readonly QueueEntry[]): void {
    this.recipients += entries.length;
    for (const { id } of entries) {
      if (id !== this.#last) this.#messages++;
      this.#last = id;
    }
  }

  get progress(): Progress {
    return { what: '', done: this.#messages, unit: 'messages' };
  }

  result({ signal }: Run): QueueChanged {
    return { recipients: this.recipients, messages: this.#messages, stopped: signal.aborted };
  }
}
