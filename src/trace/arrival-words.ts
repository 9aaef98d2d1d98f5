/** What became of a message when it came, in words. Pure. */
import { formatSize } from '../config/units.ts';
import type { AccountId, MailboxId } from '../store/ids.ts';
import type { Traced } from '../store/trace-types.ts';
import type { StoryEvent } from './story-types.ts';

/** What accounts and folders are called. */
export interface Names {
  account(account: AccountId): string;
  folder(account: AccountId, mailbox: MailboxId): string;
}

export type Told = Omit<StoryEvent, 'at'>;

/** A message as far as the viewer may know of it. */
export type Arrived = Traced & {
  /** It also goes on to where the viewer may not know. */
  readonly elsewhere?: boolean;
};

/** @param isSeen  whether all may be told of an account: of others, only what their correspondents may know */
export function tellArrival(message: Arrived, names: Names, isSeen: (account: AccountId) => boolean): Told[] {
  return [
    { kind: 'received', text: cameText(message, names), ...cameFacts(message) },
    ...tellChecks(message),
    ...tellRefusals(message),
    ...tellCopies(message, names, isSeen),
    ...tellTaken(message, names, isSeen),
    ...tellQueued(message, isSeen),
  ];
}

function tellQueued({ queued = [] }: Traced, isSeen: (account: AccountId) => boolean): Told[] {
  const [seen, others] = [true, false].map((yes) => queued.filter(({ account }) => isSeen(account) === yes));
  // Who is in a group, its senders are not told.
  const behind = new Set(others!.flatMap(({ forRoom, from = '' }) => (forRoom ? from : [])));
  return [
    ...seen!.map(({ queue, to, from, forRoom }): Told => {
      const whom = forRoom ? `room in the mailbox of ${to[0]}, which is full,` : to.join(', ');
      const rest = forRoom ? `; others behind ${from} have it` : '';
      return {
        kind: 'queued',
        text: `waits for ${whom} as number ${queue} in the queue${rest}`,
        queue,
        recipients: to,
      };
    }),
    ...[...behind].map((from): Told => {
      const text = `waits for room in a mailbox behind ${from}, which is full; the others have it`;
      return { kind: 'queued', text, recipients: [from] };
    }),
  ];
}

/** The field that stands in the message, without its name and ours. */
function tellChecks({ checks }: Traced): Told[] {
  if (checks === undefined) return [];
  const [, host = '', results = checks] = /^Authentication-Results: ([^;]+);\s*(.*)$/s.exec(checks) ?? [];
  const text = host === '' ? results : results.replaceAll(`(${host}: `, '(');
  return [{ kind: 'checked', text: `was checked: ${text}`, said: checks }];
}

function cameFacts({ address, helo, tls, id }: Traced): Pick<Told, 'address' | 'helo' | 'tls' | 'as'> {
  return {
    ...(address !== undefined && { address }),
    ...(helo !== undefined && { helo }),
    ...(tls !== undefined && { tls }),
    ...(id !== undefined && { as: id }),
  };
}

function cameText(message: Traced, names: Names): string {
  const { how, id, sizeBytes, account, device } = message;
  const facts = [sizeBytes === undefined ? '' : formatSize(sizeBytes), id === undefined ? '' : `as ${id}`]
    .filter((fact) => fact !== '')
    .join(', ');
  const who = account === undefined ? 'somebody' : names.account(account);
  switch (how) {
    case 'smtp':
      return `came from ${peerText(message)}, ${facts}`;
    case 'lmtp':
      return `was handed over by ${peerText(message)}, ${facts}`;
    case 'submission':
      return `was sent by ${who} from ${peerText(message)}, ${facts}`;
    case 'append':
      return `was filed by ${who} ${deviceText('imap', device ?? '')}, ${facts}`;
    case 'queue':
      return `came out of the queue, for people here, ${facts}`;
    case 'import':
      return `was imported, ${facts}`;
    case 'server':
      return `was written by this server, ${facts}`;
  }
}

function peerText({ address = '', helo = '', tls }: Traced): string {
  const name = helo === '' ? `[${address}]` : `${helo} [${address}]`;
  return `${name} ${tls === undefined ? 'without TLS' : `over ${tls}`}`;
}

function tellRefusals({ recipients, refused }: Traced): Told[] {
  const told = recipients
    .filter((recipient) => recipient.refused !== undefined)
    .map(({ address, refused: said = '' }): Told => {
      return { kind: 'refused', text: `was refused for ${address}: ${said}`, recipients: [address], said };
    });
  if (refused !== undefined) told.push({ kind: 'refused', text: `was refused: ${refused}`, said: refused });
  return told;
}

function tellCopies(
  { how, recipients, filed = [], unfiled = [], sent }: Traced,
  names: Names,
  isSeen: (account: AccountId) => boolean,
): Told[] {
  const told: Told[] = [];
  for (const { account, mailbox } of filed) {
    const name = names.account(account);
    if (!isSeen(account)) {
      // Who sent it to somebody hears that it is there; not where, and not who is in a group.
      if (isNamed(recipients, name)) told.push({ kind: 'filed', text: `was filed for ${name}`, account: name });
      continue;
    }
    const folder = names.folder(account, mailbox);
    const whose = how === 'append' ? '' : ` for ${name}`;
    told.push({ kind: 'filed', text: `was filed${whose} in ${folder}`, account: name, folder });
  }
  for (const { account, text } of unfiled) {
    const name = names.account(account);
    if (!isSeen(account) && !isNamed(recipients, name)) continue;
    told.push({ kind: 'unfiled', text: `could not be filed for ${name}: ${text}`, account: name, said: text });
  }
  if (sent !== undefined && isSeen(sent.account)) {
    const name = names.account(sent.account);
    const text =
      sent.email === null
        ? `is in ${name}'s folder for sent mail: their mail program had filed it before`
        : `was filed in ${name}'s folder for sent mail`;
    told.push({ kind: 'sent copy', text, account: name });
  }
  return told;
}

/**
 * Of an address that stands for others (an alias, a group, somebody who forwards) its sender hears that it took the message, and not who they are: else
 * nothing would be told of it at all.
 */
function tellTaken(
  { recipients, filed = [], unfiled = [], queued = [], elsewhere = false }: Arrived,
  names: Names,
  isSeen: (account: AccountId) => boolean,
): Told[] {
  if (unfiled.length > 0 || (!elsewhere && filed.every(({ account }) => isSeen(account)))) return [];
  const told = new Set([
    ...filed.map(({ account }) => names.account(account)),
    ...queued.flatMap(({ to }) => to.map((address) => address.toLowerCase())),
  ]);
  return recipients
    .filter(({ address, refused }) => refused === undefined && !told.has(address.toLowerCase()))
    .map(({ address }) => ({ kind: 'taken', text: `was taken for ${address}`, recipients: [address] }));
}

function isNamed(recipients: Traced['recipients'], name: string): boolean {
  return recipients.some(({ address }) => address.toLowerCase() === name);
}

/** `with "Anna's phone" over IMAP` */
export function deviceText(via: string, device: string): string {
  const protocol = via.toUpperCase();
  return device === '' ? `over ${protocol}` : `with "${device}" over ${protocol}`;
}
