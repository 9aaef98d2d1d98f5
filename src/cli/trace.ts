import { setTimeout as delay } from 'node:timers/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { formatSize } from '../config/units.ts';
import { Refused } from '../errors.ts';
import { listTrace, MOST_STORIES, type StoriesListed } from '../server/admin/trace.ts';
import { firstTraceId, traceTime } from '../store/operations/trace.ts';
import type { Story } from '../trace/story-types.ts';
import { localTime } from './local-time.ts';
import { type CommonOptions, lastMoment, numberBetween, officeCommand, pastMoment, reversePath } from './options.ts';
import { counted, oneLine, print } from './output.ts';
import { perform, performAgain } from './perform.ts';

interface Which {
  readonly to?: string;
  readonly from?: string;
  readonly messageId?: string;
  readonly as?: string;
  readonly queue?: number;
  readonly account?: string;
  readonly since?: number;
  readonly until?: number;
}

type Options = CommonOptions & Which & { readonly most: number; readonly follow?: true };

const FOLLOW_EVERY = 1_000;

export function traceCommand(): Command {
  return officeCommand(
    'trace',
    'where is my mail? What became of messages: who sent them, where they went, who retrieved or deleted them',
    'rainmail trace --to anna@example.org --since 2d',
  )
    .option('--to <address>', 'recipient, or a name or a domain of recipients: carl@example.net, carl, example.net')
    .option(
      '--from <address>',
      'sender of the envelope or in the From field, or a name or a domain of senders; <> for reports',
      reversePath,
    )
    .option('--message-id <id>', 'with this Message-ID')
    .option('--as <name>', 'as our Received line and our answer to the other server name it', received)
    .option('--queue <number>', 'with this number in the queue', number)
    .option('--account <account>', 'in the mail of this account, received or sent')
    .option('--since <when>', 'since a time ago (2d, 3h), or a date (2026-11-20, "2026-11-20 14:30")', pastMoment)
    .option('--until <when>', 'not later than that; a date: to its end', lastMoment)
    .option('--most <count>', 'how many messages at most', numberBetween(1, MOST_STORIES), 20)
    .option('--follow', 'go on, and tell of messages as they come')
    .action(async ({ follow, ...options }: Options) => {
      const { json: _json, data: _data, ...which } = options;
      const listed = await perform(listTrace, which, options);
      if (follow === true) await followOn(which, options, listed.stories);
      else print(listed, options, (result) => listText(result, which));
    });
}

/** The oldest first, until the command is interrupted; a server that ends meanwhile is waited for. For programs each story is a line. */
async function followOn(
  which: Which & { most: number },
  { json, data }: CommonOptions,
  before: readonly Story[],
): Promise<never> {
  let seen = before.length === 0 ? firstTraceId(Date.now()) : Math.max(...before.map(({ id }) => id));
  for (let fresh = inOrder(before); ; ) {
    for (const story of fresh)
      process.stdout.write(json === true ? `${JSON.stringify(story)}\n` : `${storyText(story)}\n\n`);
    seen = Math.max(seen, ...fresh.map(({ id }) => id));
    await delay(FOLLOW_EVERY);
    const since = Math.max(which.since ?? 0, Math.floor(traceTime(seen) / 1_000));
    const last = seen;
    const found = await storiesIfServed({ ...which, since, most: MOST_STORIES }, data);
    fresh = inOrder(found.filter(({ id }) => id > last));
  }
}

/** As they were noted. */
function inOrder(stories: readonly Story[]): Story[] {
  return stories.toSorted((one, other) => one.id - other.id);
}

/** None while no server runs. */
async function storiesIfServed(which: Which & { most: number }, data: string): Promise<readonly Story[]> {
  try {
    return (await performAgain(listTrace, which, { data })).stories;
  } catch (error) {
    if (error instanceof Refused && error.code === 'server.needed') return [];
    throw error;
  }
}

function listText({ stories, more }: StoriesListed, { since, until }: Which): string {
  if (stories.length === 0) {
    const when = since === undefined && until === undefined ? '' : ' not at that time,';
    return `No message fits: it never came here,${when} or it was longer ago than the trace is kept.`;
  }
  const texts = stories.map(storyText);
  if (more)
    texts.push(
      `There are more than ${counted(stories.length, 'message')}: say more of what you look for, or a larger --most.`,
    );
  return texts.join('\n\n');
}

function storyText({ at, sender, authors, recipients, messageId, sizeBytes, subject, events, others }: Story): string {
  const facts = [
    ...(authors.length > 0 ? [`From: ${authors.join(', ')}`] : []),
    messageId === null ? 'no Message-ID' : `<${messageId}>`,
    ...(sizeBytes === null ? [] : [formatSize(sizeBytes)]),
    ...(subject === null ? [] : [`"${subject}"`]),
  ];
  return [
    `${localTime(at)}  ${sender === '' ? '<>' : sender}${recipients.length > 0 ? ` -> ${recipients.join(', ')}` : ''}`,
    `  ${facts.join(', ')}`,
    ...events.map((event) => `  ${localTime(event.at, 'seconds')}  ${event.text}`),
    ...(others > 0 ? [`  ... and what ${counted(others, 'other')} did with it: ask for one with --account`] : []),
  ]
    .map(oneLine)
    .join('\n');
}

/** From a log it may come with what stands around it: `250 2.0.0 Delivered as m5x2k9f1.1`. */
function received(text: string): string {
  return text
    .trim()
    .replace(/^.*\s/, '')
    .replace(/[.,;>]$/, '');
}

function number(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text))
    throw new InvalidArgumentError('Give its number, as rainmail queue list shows it.');
  return Number(text);
}
