/**
 * LIST and LSUB: the mailboxes that match (RFC 9051 6.3.9, RFC 3501 6.3.8 and 6.3.9; LIST-EXTENDED, RFC 5258; LIST-STATUS,
 * RFC 5819; SPECIAL-USE, RFC 6154).
 */
import type { Mailbox } from '../../store/types.ts';
import { type Command, ok, signedIn } from '../command.ts';
import { statusLine } from '../mailbox-status.ts';
import type { ImapSession } from '../session.ts';
import { specialUse } from '../special-use.ts';
import { listRequest, lsubRequest } from '../syntax/list.ts';
import { matchesPattern } from '../syntax/list-pattern.ts';
import { writtenMailboxName } from '../syntax/mailbox-name.ts';
import type { ListRequest } from '../syntax/types.ts';

/** A name in the hierarchy: of a mailbox, of a subscription that has none, or of the place above one of those. */
interface Name {
  readonly path: string;
  readonly mailbox: Mailbox | null;
  subscribed: boolean;
  hasChildren: boolean;
  /** Something below it is subscribed. */
  subscribedBelow: boolean;
  /** Something below it has a special use. */
  specialBelow: boolean;
}

export const list: Command<ListRequest> = {
  name: 'LIST',
  states: signedIn,
  syntax: listRequest,

  async run(request, session) {
    if (!request.extended && request.patterns[0] === '') {
      session.write('* LIST (\\Noselect) "/" ""\r\n'); // RFC 9051 6.3.9: asks for the separator
      return ok('LIST completed');
    }
    const patterns = request.patterns.map((pattern) => request.reference + pattern);
    const { select, returns } = request;
    for (const name of await hierarchy(session)) {
      if (!isSelected(name, select) || !patterns.some((pattern) => matchesPattern(name.path, pattern))) continue;
      session.write(listLine(name, request, session.rev2));
      if (returns.status !== null && name.mailbox?.selectable) {
        session.write(await statusLine(session, name.mailbox, returns.status));
      }
      await session.connection.drained();
    }
    return ok('LIST completed');
  },
};

export const lsub: Command<{ readonly reference: string; readonly pattern: string }> = {
  name: 'LSUB',
  states: signedIn,
  syntax: lsubRequest,

  async run({ reference, pattern }, session) {
    // A name above a subscribed one shows as \Noselect when the pattern has a % and stops there (RFC 3501 6.3.9).
    const showsAbove = pattern.includes('%');
    for (const name of await hierarchy(session)) {
      if (!name.subscribed && !(showsAbove && name.subscribedBelow)) continue;
      if (!matchesPattern(name.path, reference + pattern)) continue;
      const attributes = name.subscribed && name.mailbox?.selectable !== false ? '' : '\\Noselect';
      session.write(`* LSUB (${attributes}) "/" ${writtenMailboxName(name.path, session.rev2)}\r\n`);
    }
    return ok('LSUB completed');
  },
};

/** All names, in the order of their paths, INBOX first. */
async function hierarchy(session: ImapSession): Promise<readonly Name[]> {
  const { store, accountId } = session;
  const names = new Map<string, Name>();
  for (const mailbox of await store.mailboxes.list(accountId)) names.set(mailbox.path, nameOf(mailbox.path, mailbox));
  for (const path of await store.mailboxes.danglingSubscriptions(accountId)) {
    if (!names.has(path)) names.set(path, { ...nameOf(path, null), subscribed: true });
    for (const above of pathsAbove(path)) if (!names.has(above)) names.set(above, nameOf(above, null));
  }
  for (const { path, mailbox, subscribed } of [...names.values()]) {
    for (const above of pathsAbove(path)) {
      const parent = names.get(above);
      if (parent === undefined) continue;
      if (mailbox !== null) parent.hasChildren = true;
      if (subscribed) parent.subscribedBelow = true;
      if (specialUse(mailbox?.role ?? null) !== null) parent.specialBelow = true;
    }
  }
  return [...names.values()];
}

function nameOf(path: string, mailbox: Mailbox | null): Name {
  const subscribed = mailbox?.subscribed ?? false;
  return { path, mailbox, subscribed, hasChildren: false, subscribedBelow: false, specialBelow: false };
}

/** `a/b`, `a` of `a/b/c`. */
function* pathsAbove(path: string): Generator<string> {
  for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) yield path.slice(0, at);
}

function isSelected(name: Name, select: ListRequest['select']): boolean {
  if (!select.subscribed && !select.specialUse) return name.mailbox !== null;
  if (isChosen(name, select)) return true;
  return select.recursiveMatch && childInfo(name, select).length > 0;
}

/** The name itself meets every selection option. */
function isChosen({ mailbox, subscribed }: Name, select: ListRequest['select']): boolean {
  if (select.subscribed && !subscribed) return false;
  return !select.specialUse || specialUse(mailbox?.role ?? null) !== null;
}

/** The selection options that something below the name meets (RFC 9051 6.3.9.6). */
function childInfo({ subscribedBelow, specialBelow }: Name, select: ListRequest['select']): readonly string[] {
  const options: string[] = [];
  if (select.subscribed && subscribedBelow) options.push('"SUBSCRIBED"');
  if (select.specialUse && specialBelow) options.push('"SPECIAL-USE"');
  return options;
}

function listLine(name: Name, { select, returns }: ListRequest, utf8: boolean): string {
  const { mailbox, path, subscribed, hasChildren } = name;
  const attributes: string[] = [];
  if (mailbox === null)
    attributes.push('\\NonExistent'); // RFC 9051 7.3.1: implies \Noselect
  else if (!mailbox.selectable) attributes.push('\\Noselect');
  if (subscribed && (select.subscribed || returns.subscribed)) attributes.push('\\Subscribed');
  attributes.push(hasChildren ? '\\HasChildren' : '\\HasNoChildren'); // RFC 3348: shown in any LIST
  const use = specialUse(mailbox?.role ?? null);
  if (use !== null) attributes.push(use); // RFC 6154 2: shown in any LIST
  const below = select.recursiveMatch ? childInfo(name, select) : [];
  const extended = below.length > 0 ? ` ("CHILDINFO" (${below.join(' ')}))` : '';
  return `* LIST (${attributes.join(' ')}) "/" ${writtenMailboxName(path, utf8)}${extended}\r\n`;
}
