import { Command, InvalidArgumentError } from 'commander';
import { formatSize } from '../config/units.ts';
import type { Action } from '../server/admin/action.ts';
import {
  type DestinationShown,
  listQueue,
  MOST_LISTED,
  type QueuedShown,
  type QueueEntryShown,
  type QueueListed,
  showQueued,
} from '../server/admin/queue.ts';
import {
  holdQueued,
  type QueueChanged,
  releaseQueued,
  removeQueued,
  rerouteQueued,
  retryQueued,
} from '../server/admin/queue-change.ts';
import type { Selection } from '../server/admin/queue-selection.ts';
import { confirm } from './confirm.ts';
import { localTime } from './local-time.ts';
import { type CommonOptions, numberBetween, officeCommand, reversePath } from './options.ts';
import { counted, EXIT, oneLine, print, short, table } from './output.ts';
import { perform } from './perform.ts';

type Which = Pick<Selection, 'toDomain' | 'from' | 'account' | 'held'>;
type Changing = CommonOptions & Which & { readonly all?: true };

export function queueCommand(): Command {
  return new Command('queue')
    .description('mail on its way to other servers')
    .addCommand(list())
    .addCommand(show())
    .addCommand(
      changing(holdQueued, 'hold', 'keep mail in the queue until it is released', 'hold --to-domain example.org'),
    )
    .addCommand(changing(releaseQueued, 'release', 'let mail go on that is held', 'release --all'))
    .addCommand(changing(retryQueued, 'retry', 'try it now, however often it failed', 'retry 4711'))
    .addCommand(remove())
    .addCommand(reroute());
}

function list(): Command {
  return filters(
    officeCommand(
      'list',
      'how much waits for which destination, and for whom, the longest waiting first',
      'rainmail queue list --to-domain example.org',
    ),
  )
    .option('--held', 'only what is held')
    .option('--most <count>', 'the most recipients to list', numberBetween(0, MOST_LISTED), 50)
    .action(async ({ most, ...options }: CommonOptions & Which & { most: number }) => {
      const listed = await perform(listQueue, { ...which(options), most }, options);
      print(listed, options, listText);
    });
}

function show(): Command {
  return officeCommand('show', 'one message in the queue, with all who have not got it yet', 'rainmail queue show 4711')
    .argument('<id>', 'its number, as the list shows it', id)
    .action(async (queued: number, options: CommonOptions) => {
      print(await perform(showQueued, { id: queued }, options), options, showText);
    });
}

function changing(
  action: Action<Selection, QueueChanged>,
  name: 'hold' | 'release' | 'retry',
  description: string,
  example: string,
): Command {
  return selects(officeCommand(name, description, `rainmail queue ${example}`)).action(
    async (ids: readonly number[], options: Changing, command: Command) => {
      const changed = await perform(action, chosen(ids, options, command), options);
      tell(changed, options, DONE[name]);
    },
  );
}

function remove(): Command {
  return selects(
    officeCommand('remove', 'take mail out of the queue: it is not sent', 'rainmail queue remove 4711 --report'),
  )
    .option('--report', 'tell the senders that it was not sent; else they find it in "Where is my mail?" alone')
    .option('--yes', 'do not ask')
    .action(async (ids: readonly number[], options: Changing & { report?: true; yes?: true }, command: Command) => {
      const selection = chosen(ids, options, command);
      const { found } = await perform(listQueue, { ...selection, most: 0 }, options);
      const report = options.report === true;
      const told = report
        ? 'Their senders are told, of each message by one of its own.'
        : 'Their senders are not told.';
      if (found > 0) await confirm(`Remove mail for ${counted(found, 'recipient')}, unsent? ${told}`, options);
      const removed = await perform(removeQueued, { ...selection, report }, options);
      tell(removed, options, 'removed');
    });
}

function reroute(): Command {
  return selects(
    officeCommand(
      'reroute',
      'send it another way, at once',
      'rainmail queue reroute --to-domain example.org --via smtp.provider.example:587',
    ),
  )
    .requiredOption('--via <where>', 'a domain, whose servers take it; or host:port of one of the [[routes]]')
    .action(async (ids: readonly number[], options: Changing & { via: string }, command: Command) => {
      const rerouted = await perform(rerouteQueued, { ...chosen(ids, options, command), to: options.via }, options);
      tell(rerouted, options, 'rerouted');
    });
}

const DONE = { hold: 'held', release: 'released', retry: 'to be tried now' } as const;

function filters(command: Command): Command {
  return command
    .option('--to-domain <destination>', 'only for recipients of this domain, or by this route (host:port)')
    .option('--from <address>', 'only what has this sender; <> for reports', reversePath)
    .option('--account <account>', 'only what this account has sent or forwards, or has no room for');
}

/** Adds the arguments and options that say which of those who wait. */
function selects(command: Command): Command {
  return filters(command.argument('[id...]', 'messages, by their numbers', ids))
    .option('--held', 'only what is held')
    .option('--all', 'everything that waits');
}

/** That everything is meant is never said by leaving something out. */
function chosen(ids: readonly number[], options: Changing, command: Command): Selection {
  const selection = { ...which(options), ...(ids.length > 0 && { ids: [...ids] }) };
  const isSaid = Object.keys(selection).length > 0;
  if (isSaid && options.all === true)
    command.error('error: --all is for everything that waits: leave it out, or the rest');
  if (!isSaid && options.all !== true)
    command.error(
      'error: say which mail: numbers, --to-domain, --from, --account, --held, or --all for everything that waits',
    );
  return selection;
}

function which({ toDomain, from, account, held }: Which): Selection {
  return {
    ...(toDomain !== undefined && { toDomain }),
    ...(from !== undefined && { from }),
    ...(account !== undefined && { account }),
    ...(held !== undefined && { held }),
  };
}

const NOTHING = {
  held: 'Nothing in the queue fits that is not held already: see rainmail queue list',
  released: 'Nothing that is held fits: see rainmail queue list --held',
} as Readonly<Record<string, string>>;

function tell(changed: QueueChanged, options: CommonOptions, done: string): void {
  const { recipients, messages, stopped } = changed;
  print(changed, options, () =>
    [
      recipients === 0
        ? (NOTHING[done] ?? 'Nothing in the queue fits: see rainmail queue list')
        : `${counted(messages, 'message')} for ${counted(recipients, 'recipient')}: ${done}.`,
      ...(stopped ? ['It was stopped before the end: the same command goes on.'] : []),
    ].join('\n'),
  );
  if (recipients === 0 || stopped) process.exitCode = EXIT.failed;
}

function listText({ messages, recipients, oldest, longest, found, destinations, entries }: QueueListed): string {
  if (recipients === 0) return 'Nothing waits in the queue.';
  const since = oldest === null ? '' : `, the oldest of ${localTime(oldest)}`;
  const sum = `${counted(messages, 'message')} for ${counted(recipients, 'recipient')}${since}. ${waitText(longest)}`;
  if (found === 0) return `${sum} None of it fits.`;
  const lines = [found === recipients ? sum : `${sum} Of these ${counted(found, 'recipient')} fit.`, ''];
  const row = (each: DestinationShown) => [
    each.destination,
    String(each.recipients),
    String(each.held),
    each.oldest === null ? '' : localTime(each.oldest),
    each.next === null ? 'held' : localTime(each.next),
    each.failures === 0 ? '' : `${each.failures} in a row`,
  ];
  lines.push(table(['DESTINATION', 'WAITING', 'HELD', 'OLDEST', 'NEXT TRY', 'FAILED'], destinations.map(row), ''));
  if (entries.length > 0) lines.push('', entriesText(entries));
  if (entries.length > 0 && found > entries.length)
    lines.push(
      `Only ${entries.length} of ${found} are listed: say --to-domain, --from or --account, or a larger --most.`,
    );
  return lines.join('\n');
}

/** What tells most of how it stands. */
function waitText(longest: QueueListed['longest']): string {
  if (longest === null) return 'Nothing is late: it is held, for later, or waits for room in a mailbox here.';
  return `What should have left has waited since ${localTime(longest.since)}, for ${longest.destination}.`;
}

function entriesText(entries: readonly QueueEntryShown[]): string {
  const row = (entry: QueueEntryShown) => [
    String(entry.id),
    localTime(entry.created),
    short(entry.sender === '' ? '<>' : entry.sender, 32),
    short(entry.recipient, 40),
    entry.next === null ? 'held' : localTime(entry.next),
    String(entry.attempts),
    short(answerText(entry).replace(WHO_SAID, ''), 60),
  ];
  return table(['ID', 'SINCE', 'FROM', 'TO', 'NEXT TRY', 'TRIES', 'LAST ANSWER'], entries.map(row), '');
}

/** What nobody has tried yet may wait all the same: for what others were told there. */
function answerText({ reply, attempts, putOff }: QueueEntryShown): string {
  return attempts === 0 && putOff ? 'not tried yet: its destination was not reached' : reply;
}

/** The list has no room for it (outbound/outcomes.ts). */
const WHO_SAID = /^\S+ \[[^\]\s]+\](?: said)?: /;

function showText(queued: QueuedShown): string {
  const { id, sender, account, created, expires, warn, messageId, sizeBytes, requireTls, forRoom, recipients } = queued;
  const facts: readonly (readonly [string, string])[] = [
    ['Message', String(id)],
    ['From', sender === '' ? '<> (a report)' : sender],
    ['Account', account === '' ? 'removed meanwhile' : account],
    ['Message-ID', messageId === null ? 'none' : `<${messageId}>`],
    ['Size', formatSize(sizeBytes)],
    ['In the queue since', localTime(created)],
    ['Sender is warned', warn === null ? 'no more' : localTime(warn)],
    ['Given up', localTime(expires)],
    ...recipients.slice(0, 1).map(({ priority }) => ['Priority', priority] as const),
    ...(requireTls ? [['Only over TLS', 'yes'] as const] : []),
    ...(forRoom ? [['Waits for', 'room in a mailbox here, which is full; others have it'] as const] : []),
  ];
  const width = Math.max(...facts.map(([name]) => name.length));
  const head = facts.map(([name, value]) => `${name.padEnd(width)}  ${oneLine(value)}`);
  const row = (each: QueueEntryShown) => [
    each.recipient,
    each.destination,
    each.next === null ? 'held' : localTime(each.next),
    String(each.attempts),
    answerText(each),
  ];
  const heads = ['TO', 'BY WAY OF', 'NEXT TRY', 'TRIES', 'LAST ANSWER'];
  const more = `What became of it so far: rainmail trace --queue ${id}`;
  return [...head, '', table(heads, recipients.map(row), 'Everybody has got it meanwhile.'), '', more].join('\n');
}

function id(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text))
    throw new InvalidArgumentError('Give its number, as rainmail queue list shows it.');
  return Number(text);
}

function ids(text: string, others: readonly number[] = []): number[] {
  return [...others, id(text)];
}
