/** Moves accounts in, several at a time. What goes wrong with one account is in its report; the others go on. */
import { Refused } from '../errors.ts';
import type { Progress } from '../progress.ts';
import type { AccountId } from '../store/ids.ts';
import type { MailStore } from '../store/store.ts';
import type { Role } from '../store/types.ts';
import type { Endpoint, SignIn } from './connect.ts';
import { ImapSource } from './imap-source.ts';
import { Migration } from './migration.ts';
import { Pop3Source } from './pop3-source.ts';
import { type AccountReport, isWhole } from './report.ts';
import type { Source } from './source.ts';
import { SourceSaidNo } from './trouble.ts';
import type { UidlFormat } from './uidl.ts';
import { UidlFinder } from './uidl-finder.ts';

export interface MoveIn {
  /** `pull`: bring what is new. `check`: only compare. `finish`: pull for the last time, and forget the source. */
  readonly what: 'pull' | 'check' | 'finish';
  readonly source: Endpoint;
  readonly people: readonly MovingPerson[];
  /** At a time. */
  readonly parallel: number;
  readonly keepRemoved: boolean;
  /** Finish although some mail did not come. */
  readonly leaveOut: boolean;
  /** POP3 service of the source, for the ids that its clients know. */
  readonly uidlFrom?: Endpoint & { readonly user?: string | undefined };
  readonly uidlFormat?: UidlFormat;
}

export interface MovingPerson {
  readonly id: AccountId;
  readonly name: string;
  readonly signIn: SignIn;
  /** Whose mail it is there, whoever signs in. */
  readonly user: string;
}

export interface Moving {
  readonly progress: (progress: Progress) => void;
  readonly signal: AbortSignal;
  /** Called before an account is touched, with the source. */
  readonly onBegin: (account: string, source: string) => Promise<void>;
  /** Called with each account's report as it ends. */
  readonly onReport: (report: AccountReport) => Promise<void>;
}

export async function moveIn(store: MailStore, request: MoveIn, moving: Moving): Promise<AccountReport[]> {
  const waiting = [...request.people.entries()];
  const reports: AccountReport[] = [];
  const counts = new Map<number, { done: number; total: number }>();
  // A fault of ours ends all of it.
  const fault = new AbortController();
  const signal = AbortSignal.any([moving.signal, fault.signal]);
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, person] = next;
      const progress = ({ what, done, total = 0 }: Progress) => {
        counts.set(index, { done, total });
        const sum = { done: 0, total: 0 };
        for (const count of counts.values()) {
          sum.done += count.done;
          sum.total += count.total;
        }
        const known = sum.total === 0 ? {} : { total: sum.total };
        moving.progress({ what: `${person.name} ${what}`.trimEnd(), done: sum.done, ...known, unit: 'messages' });
      };
      const report = await moveOne(store, request, person, { progress, signal, onBegin: moving.onBegin });
      reports[index] = report;
      await moving.onReport(report);
    }
  };
  const workers = Array.from({ length: Math.min(request.parallel, waiting.length) }, () =>
    work().catch((error: unknown) => {
      fault.abort();
      waiting.length = 0;
      throw error;
    }),
  );
  const outcomes = await Promise.allSettled(workers);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  return reports;
}

async function moveOne(
  store: MailStore,
  request: MoveIn,
  { id: account, name, signIn, user }: MovingPerson,
  { progress, signal, onBegin }: Pick<Moving, 'progress' | 'signal' | 'onBegin'>,
): Promise<AccountReport> {
  const { what, keepRemoved, leaveOut, uidlFrom, uidlFormat } = request;
  const source = await sourceOf(store, account, request.source, signIn, user, signal);
  const pop3 = uidlFrom && new Pop3Source(source.id, uidlFrom, namedAs(signIn, uidlFrom.user), signal);
  const migration = new Migration(store, account, source, {
    keepRemoved,
    signal,
    progress,
    uidls: new UidlFinder(pop3, uidlFormat),
  });
  const report = (outcome: AccountReport['outcome'], error?: Refused) =>
    migration.tally.report(name, source.id, outcome, error && { code: error.code, text: error.message });
  const cut = () => {
    source.cut();
    pop3?.cut();
  };
  signal.addEventListener('abort', cut, { once: true });
  try {
    const finished = await store.origins.finishedAt(account, source.id);
    if (finished !== null) {
      throw new Refused(
        'transfer.finished',
        `The move from ${source.id} was finished on ${new Date(finished * 1_000).toISOString().slice(0, 10)}: its mail would come a second time.`,
      );
    }
    await onBegin(name, source.id);
    await (what === 'check' ? migration.check() : migration.pull());
    if (what === 'finish') {
      if (!isWhole(report('done')) && !leaveOut) {
        throw new Refused(
          'transfer.incomplete',
          'Not all mail came, so that the move is not finished. Run it again, or finish without that mail: --leave-out.',
        );
      }
      await store.origins.finish(account, source.id);
    }
    return report('done');
  } catch (error) {
    if (signal.aborted) return report('stopped');
    if (error instanceof Refused) return report('failed', error);
    if (error instanceof SourceSaidNo)
      return report('failed', new Refused('source.unusable', `${request.source.host} says: ${error.message}`));
    throw error;
  } finally {
    signal.removeEventListener('abort', cut);
    await Promise.all([source.close(), pop3?.close()]);
  }
}

/** The same password with another name: of the one whose mail it is, whoever signs in. */
function namedAs(signIn: SignIn, user: string | undefined): SignIn {
  if (user === undefined) return signIn;
  return signIn.authorize === undefined ? { ...signIn, user } : { ...signIn, authorize: user };
}

async function sourceOf(
  store: MailStore,
  account: AccountId,
  endpoint: Endpoint,
  signIn: SignIn,
  user: string,
  signal: AbortSignal,
): Promise<Source> {
  const { protocol, host, port } = endpoint;
  // With or without TLS, and whoever signs in: it is the same mail.
  const id = `${protocol}://${encodeURIComponent(user)}@${host}:${port}`;
  if (protocol === 'pop3') return new Pop3Source(id, endpoint, signIn, signal);
  const roles = new Map<Role, string>();
  for (const { role, path } of await store.mailboxes.list(account)) if (role !== null) roles.set(role, path);
  return new ImapSource(id, endpoint, signIn, roles, signal);
}
