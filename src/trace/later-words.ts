/** What became of a message later, in words: at other servers, and in mailboxes. Pure. */
import { HERE } from '../delivery/types.ts';
import type { AccountId } from '../store/ids.ts';
import type { TraceBy, TraceChange, TraceEvent } from '../store/trace-types.ts';
import { deviceText, type Names, type Told } from './arrival-words.ts';
import type { StoryEventKind } from './story-types.ts';

/**
 * What became of it on its way out: an attempt may have come to different ends for different recipients.
 * @param isOurs  it was sent from here, not only forwarded
 */
export function tellEvent({ kind, detail }: TraceEvent, isOurs: boolean): Told[] {
  const { queue, peer, recipients = [], actor = 'somebody', destination = '' } = detail;
  const words = destination === HERE ? attemptHere : attemptText;
  const to = recipients.map(({ address }) => address);
  if (kind === 'reported') return [{ kind, text: isOurs ? REPORTED : REPORTED_BACK, queue }];
  if (kind !== 'attempt') {
    const whom = to.length > 0 ? ` for ${to.join(', ')}` : '';
    const text = `${DONE[kind]}${kind === 'reroute' ? ` to ${destination}` : ''}${whom} by ${actor}`;
    return [{ kind, text, recipients: to, queue, device: actor }];
  }
  const ends = Map.groupBy(recipients, ({ outcome, said, ours }) => JSON.stringify([outcome, said, ours]));
  return [...ends.values()].map((group): Told => {
    const [{ outcome = 'deferred', said = '', ours }] = group as [(typeof group)[number]];
    const addresses = group.map(({ address }) => address);
    const text = words(outcome, addresses.join(', '), said, { peer, isOurs: ours === true });
    return {
      kind: outcome as StoryEventKind,
      text,
      recipients: addresses,
      queue,
      said,
      ...(peer !== undefined && { peer }),
    };
  });
}

const REPORTED = 'was reported to its sender';
const REPORTED_BACK = 'was reported to who forwards it and keeps a copy, or else to its sender';

const DONE = {
  hold: 'was held',
  release: 'was released',
  retry: 'was to be tried again',
  remove: 'was taken out of the queue',
  reroute: 'was sent another way',
  withdraw: 'was taken back',
  hasten: 'was to be sent at once',
} as const;

interface Asked {
  readonly peer: string | undefined;
  /** What is told of it are not its own words. */
  readonly isOurs: boolean;
}

function attemptText(outcome: string, to: string, said: string, { peer, isOurs }: Asked): string {
  const isVain = peer !== undefined && isOurs;
  switch (outcome) {
    case 'sent':
      return `was taken by ${peer ?? 'another server'} for ${to}: ${said}`;
    case 'failed':
      if (isVain) return `could not be given to ${peer} for ${to}: ${said}`;
      return peer === undefined ? `was given up for ${to}: ${said}` : `was refused by ${peer} for ${to}: ${said}`;
    case 'held':
      return `is held for ${to}: ${said}`;
    case 'delayed':
      return `still waits for ${to}: ${said}`;
    default:
      if (isVain) return `could not be given to ${peer} for ${to}, and is tried again: ${said}`;
      return peer === undefined
        ? `could not be brought to a server for ${to}, and is tried again: ${said}`
        : `was put off by ${peer} for ${to}: ${said}`;
  }
}

/** For people here. */
function attemptHere(outcome: string, to: string, said: string): string {
  switch (outcome) {
    case 'sent':
      return `came to ${to} here, out of the queue`;
    case 'deferred':
      return `could not be filed for ${to} yet, and is tried again: ${said}`;
    default:
      return attemptText(outcome, to, said, { peer: undefined, isOurs: true });
  }
}

/** What was done with somebody's copy. Undefined for what is of no interest here. */
export function tellChange(change: TraceChange, account: AccountId, names: Names): Told | undefined {
  const { kind, by, detail } = change;
  if (kind === 'folder') return undefined;
  const name = names.account(account);
  const folder = (mailbox: typeof detail.from) => (mailbox === undefined ? '' : names.folder(account, mailbox));
  const from = detail.path ?? folder(detail.from);
  const to = folder(detail.to);
  const what = {
    retrieved: 'was retrieved',
    moved: `was moved from ${from} to ${to}`,
    copied: `was copied from ${from} to ${to}`,
    marked: 'was marked as deleted',
    unmarked: 'was marked as not deleted',
    removed: `was deleted from ${from}`,
    hidden: 'was deleted for this device alone',
    restored: `was brought back to ${to}`,
    purged: 'was removed for good',
    imported: `was imported into ${to}`,
    unwritten: 'was taken away again after a crash: nobody had been told that it was there',
  }[kind];
  const place = to !== '' ? to : from;
  const told = { kind, text: `${what} ${whoText(by, name)}`, account: name, via: by.via, device: by.device };
  return place === '' ? told : { ...told, folder: place };
}

function whoText({ via, device }: TraceBy, name: string): string {
  if (via === 'server') return `by the server, for ${name}`;
  if (via === 'admin') return `by ${device}, for ${name}`;
  return `by ${name} ${deviceText(via, device)}`;
}
