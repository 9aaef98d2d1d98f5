/** Undelete: what was removed from an account's mailboxes comes back, or goes for good. */
import { z } from 'zod';
import { type EpochSeconds, type ItemId, nowSeconds } from '../../store/ids.ts';
import { recordAudit } from '../../store/operations/audit.ts';
import { isHeld } from '../../store/operations/hold.ts';
import { type FoundMessage, isLeftOut, MOST_ITEMS, type RetainedFilter } from '../../store/retained.ts';
import { action, type Run } from './action.ts';

/** A removed message as the list shows it; times as in ISO 8601. */
export interface RemovedShown {
  readonly id: number;
  readonly removed: string;
  /** When it may go for good; null: not before a hold is released. */
  readonly keptUntil: string | null;
  readonly folder: string;
  readonly date: string;
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  readonly size: number;
  /** It is in a folder still. */
  readonly copy: boolean;
  /** A draft of which a newer version, or the mail itself, came; or a copy of sent mail that another one replaced. */
  readonly superseded: boolean;
}

export interface RemovedListed {
  readonly account: string;
  /** The last removed first; at most as many as were asked for. */
  readonly messages: readonly RemovedShown[];
  /** All that were found. */
  readonly found: number;
  readonly bytes: number;
  readonly leftOut: LeftOut;
}

export interface LeftOut {
  readonly copies: number;
  readonly drafts: number;
}

export interface RemovedRestored {
  readonly account: string;
  readonly messages: number;
  readonly bytes: number;
  readonly folders: readonly { readonly path: string; readonly messages: number }[];
  readonly leftOut: LeftOut;
  /** It was stopped before all were back: the same command goes on. */
  readonly stopped: boolean;
}

export interface RemovedPurged {
  readonly account: string;
  readonly messages: number;
  readonly bytes: number;
  /** Messages that open POP3 sessions may still retrieve: they go when these end. */
  readonly leased: number;
  /** What the disk got back. */
  readonly bytesFreed: number;
  /** Files that could not be given back now (a backup reads them, mail is on its way in, the disk is full): they go by themselves. */
  readonly segmentsWaiting: number;
  readonly stopped: boolean;
}

const which = {
  account: z.string(),
  since: z.number().int().optional(),
  folder: z.string().optional(),
  query: z.string().optional(),
  items: z.array(z.number().int().positive()).min(1).max(MOST_ITEMS).optional(),
};
const offered = { copies: z.boolean().optional(), drafts: z.boolean().optional() };

type Which = z.infer<z.ZodObject<typeof which>>;

export const listRemoved = action({
  name: 'undelete.list',
  input: z.strictObject({ ...which, ...offered, limit: z.number().int().min(0).max(100_000) }),
  async run({ store, directory }, { limit, copies, drafts, ...input }): Promise<RemovedListed> {
    const { id, name } = await directory.account(input.account);
    const held = await store.engine.read((tx) => isHeld(tx, id), id);
    const messages: RemovedShown[] = [];
    const leftOut = { copies: 0, drafts: 0 };
    let [found, bytes] = [0, 0];
    for await (const page of store.retained.find(id, filterOf(input))) {
      for (const message of page) {
        const left = isLeftOut(message, given({ copies, drafts }));
        if (left !== undefined && input.items === undefined) leftOut[left]++;
        else {
          found++;
          bytes += message.size;
          if (messages.length < limit) messages.push(shown(message, held));
        }
      }
    }
    return { account: name, messages, found, bytes, leftOut };
  },
});

export const restoreRemoved = action({
  name: 'undelete.restore',
  input: z.strictObject({
    ...which,
    ...offered,
    to: z.string().optional(),
    redeliver: z.boolean().optional(),
    overQuota: z.boolean().optional(),
  }),
  async run(office, { copies, drafts, to, redeliver, overQuota, ...input }, run): Promise<RemovedRestored> {
    const { store, directory } = office;
    const { id, name } = await directory.account(input.account);
    const chosen = await store.retained.choose(id, filterOf(input), given({ copies, drafts }));
    const restored = await store.retained.restore(id, chosen, given({ to, redeliver, overQuota }), {
      ...pursuit(run),
      by: { via: 'admin', device: run.actor },
      record: (tx) =>
        recordAudit(
          tx,
          {
            actor: run.actor,
            action: 'undelete.restore',
            subject: name,
            detail: {
              ...described(input),
              messages: chosen.items.length,
              bytes: chosen.bytes,
              to,
              redeliver,
              overQuota,
            },
          },
          nowSeconds(),
        ),
    });
    return { account: name, ...restored, leftOut: chosen.leftOut, stopped: run.signal.aborted };
  },
});

/** Takes all that fit: who wants something gone means its copies and drafts too. */
export const purgeRemoved = action({
  name: 'undelete.purge',
  input: z.strictObject(which),
  async run({ store, directory }, input, run): Promise<RemovedPurged> {
    const { id, name } = await directory.account(input.account);
    const chosen = await store.retained.choose(id, filterOf(input), { copies: true, drafts: true });
    const purged = await store.retained.purge(id, chosen.items, {
      ...pursuit(run),
      by: { via: 'admin', device: run.actor },
      record: (tx) =>
        recordAudit(
          tx,
          {
            actor: run.actor,
            action: 'undelete.purge',
            subject: name,
            detail: { ...described(input), messages: chosen.items.length, bytes: chosen.bytes },
          },
          nowSeconds(),
        ),
    });
    return { account: name, ...purged, stopped: run.signal.aborted };
  },
});

function filterOf({ since, folder, query, items }: Which): RetainedFilter {
  return given({ since, folder, query, items: items as ItemId[] | undefined });
}

/** For the audit: what was asked for. */
function described({ account: _, ...filter }: Which): Record<string, unknown> {
  return filter;
}

function pursuit({ progress, signal }: Run): { onProgress: Run['progress']; signal: AbortSignal } {
  return { onProgress: progress, signal };
}

function shown(message: FoundMessage, held: boolean): RemovedShown {
  return {
    id: message.item,
    removed: iso(message.removed),
    keptUntil: held ? null : iso(message.expires),
    folder: message.place.path,
    date: iso(message.received),
    from: message.from,
    to: message.to,
    subject: message.subject,
    size: message.size,
    copy: message.isCopy,
    superseded: message.isSuperseded,
  };
}

function iso(seconds: EpochSeconds): string {
  return new Date(seconds * 1_000).toISOString();
}

/** Only what is given (exactOptionalPropertyTypes knows absent from undefined). */
function given<T extends object>(options: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}
