/** What is measured: each benchmark with its load, the figures that come out, and what they should reach. */
import { accountAddress } from './accounts.ts';
import type { Options } from './options.ts';
import type { MailServer } from './server.ts';

/** What the load generator printed; see bench/load/main.mjs. */
export interface LoadResult {
  readonly errors: number;
  readonly errorSamples: readonly string[];
  readonly loadBefore: number;
  readonly ops?: number;
  readonly perSec?: number;
  readonly mbPerSec?: number;
  readonly serverCpuMsPerOp?: number;
  readonly clientCpuPct?: number;
  readonly kbEach?: number;
  readonly growthMb?: number;
  readonly growthAgainMb?: number;
  readonly ms?: Readonly<Record<string, number | null>>;
  /** ISO 8601. */
  readonly began?: string;
  /** Messages a second that were in their mailboxes. */
  readonly arrivedPerSec?: number;
}

/** `times` the better Dovecot, or at most so much. */
export type Wanted = { readonly times: number } | { readonly atMost: number };

/** A row of the table. */
export interface Figure {
  readonly title: string;
  readonly better: 'more' | 'less';
  readonly wanted?: Wanted;
  readonly read: (result: LoadResult) => number | null | undefined;
}

/** What must be there before a benchmark, once for each server. */
export type Preparation = 'mailbox' | 'idlers' | 'large message' | 'long maildrop';

export interface Benchmark {
  readonly name: string;
  readonly load: (options: Options, server: MailServer) => readonly (string | number)[];
  readonly figures: readonly Figure[];
  /** The server CPU of an operation means something; and how much it may be against the better Dovecot. */
  readonly cpu?: { readonly operation: string; readonly wanted?: Wanted };
  /** Of Dovecot there is nothing to compare. */
  readonly rainmailOnly?: boolean;
  /** The server is started anew before each run. */
  readonly fresh?: boolean;
  readonly needs?: Preparation;
}

const READER = accountAddress(151);
const LARGE_READER = accountAddress(155);
const LARGE_RECIPIENT = accountAddress(156);
/** Accounts whose connections idle. */
const IDLERS = { first: 61, count: 90, messagesEach: 10 };
const LARGE_BYTES = 50 << 20;
/** Who has a maildrop of many small messages. */
export const LISTED = { number: 157, user: accountAddress(157), count: (quick: boolean) => (quick ? 5_000 : 100_000) };
const QUERIES = ['ALL', 'FROM', 'SUBJECT', 'BODY', 'TEXT', 'SORT DATE', 'SORT SUBJECT', 'THREAD REFERENCES'];

const SIGN_INS = { imap: 'IMAP sign-in', pop3: 'POP3 sign-in+STAT+QUIT' };
const LARGE_WAYS = {
  smtp: 'in over SMTP',
  lmtp: 'in over LMTP',
  append: 'in by APPEND',
  fetch: 'out by FETCH',
  retr: 'out by RETR',
};

const perSecond = ({ perSec }: LoadResult) => perSec;
const connections = (count: number) => `${count} connection${count === 1 ? '' : 's'}`;

export const PLAN: readonly Benchmark[] = [
  deliveries('lmtp', 1),
  deliveries('lmtp', 16, 5),
  deliveries('lmtp', 64, 7),
  deliveries('smtp', 1),
  deliveries('smtp', 16),
  appends(1),
  appends(16, 2.5),
  signIns('imap', 1),
  signIns('imap', 16, 4),
  coldSignIns('imap'),
  signIns('pop3', 1),
  signIns('pop3', 16, 5),
  coldSignIns('pop3'),
  fetches('meta', 'FETCH of metadata (ENVELOPE, BODYSTRUCTURE, ...)', { times: 1.5 }, { times: 1 }),
  fetches('flags', 'FETCH of FLAGS', { times: 1.5 }, { times: 1 }),
  fetches('bodies', 'FETCH of bodies', { times: 1 }),
  retrievals(1, { times: 1.5 }),
  retrievals(16),
  searches(),
  idlers('imap', { atMost: 12 }),
  idlers('pop3'),
  ...(['smtp', 'lmtp', 'append', 'fetch', 'retr'] as const).map(largeMessage),
];

/** The load that prepares a server, for every {@link Preparation}. */
export function preparation(what: Preparation, { messages, quick }: Options): readonly (string | number)[] {
  switch (what) {
    case 'mailbox':
      return ['fill', '--user', READER, '--count', messages];
    case 'idlers': {
      const { first, count, messagesEach } = IDLERS;
      const users = ['--first-user', first, '--users', count];
      return ['deliver', '--secs', 60, '--conns', 4, '--count', count * messagesEach, ...users];
    }
    case 'long maildrop': {
      const count = LISTED.count(quick);
      return [
        'deliver',
        '--secs',
        1_800,
        '--conns',
        8,
        '--size',
        300,
        '--count',
        count,
        '--first-user',
        LISTED.number,
        '--users',
        1,
      ];
    }
    case 'large message':
      return ['large', '--what', 'lmtp', '--size', LARGE_BYTES, '--user', LARGE_READER];
  }
}

function deliveries(proto: 'lmtp' | 'smtp', conns: number, times?: number): Benchmark {
  return {
    name: `${proto}-${conns}`,
    load: ({ secs }) => ['deliver', '--proto', proto, '--conns', conns, '--secs', secs, '--verify'],
    figures: [rate(`${proto.toUpperCase()} deliveries/s, ${connections(conns)}`, times)],
    cpu: { operation: `${proto.toUpperCase()} delivery, ${connections(conns)}` },
    rainmailOnly: proto === 'smtp',
  };
}

function appends(conns: number, times?: number): Benchmark {
  return {
    name: `append-${conns}`,
    load: ({ secs }) => ['append', '--conns', conns, '--secs', secs],
    figures: [rate(`APPEND/s, ${connections(conns)}`, times)],
    cpu: { operation: `APPEND, ${connections(conns)}` },
  };
}

export function signIns(proto: 'imap' | 'pop3', conns: number, times?: number): Benchmark {
  return {
    name: `${proto}-login-${conns}`,
    load: ({ secs }) => [`${proto}-login`, '--conns', conns, '--secs', secs],
    figures: [rate(`${SIGN_INS[proto]}/s, ${connections(conns)}`, times)],
    cpu: { operation: `${SIGN_INS[proto]}, ${connections(conns)}` },
  };
}

/** Every account signs in for the first time since the server was started. */
function coldSignIns(proto: 'imap' | 'pop3'): Benchmark {
  return {
    name: `${proto}-login-cold`,
    load: () => [`${proto}-login`, '--cold', '--conns', 16, '--users', 200, '--secs', 60],
    figures: [rate(`${SIGN_INS[proto]}/s, ${connections(16)}, each account's first`)],
    cpu: { operation: `${SIGN_INS[proto]}, the first` },
    fresh: true,
  };
}

function fetches(what: string, title: string, wanted: Wanted, wantedCpu?: Wanted): Benchmark {
  return {
    name: `fetch-${what}`,
    load: ({ secs, messages }) => ['fetch', '--what', what, '--user', READER, '--count', messages, '--secs', secs],
    figures: [
      { title: `${title}, messages/s`, better: 'more', wanted, read: perSecond },
      ...(what === 'bodies' ? [megabytes(`${title}, MB/s`)] : []),
    ],
    cpu: { operation: `${title}, a message`, ...(wantedCpu === undefined ? {} : { wanted: wantedCpu }) },
    needs: 'mailbox',
  };
}

export function retrievals(inFlight: number, wanted?: Wanted): Benchmark {
  const title = `POP3 RETR, ${inFlight === 1 ? 'one at a time' : `${inFlight} in flight`}`;
  return {
    name: `retr-${inFlight}`,
    load: ({ secs, messages }) => {
      return ['retr', '--pipeline', inFlight, '--user', READER, '--count', messages, '--secs', secs];
    },
    figures: [
      { title: `${title}, messages/s`, better: 'more', read: perSecond, ...(wanted === undefined ? {} : { wanted }) },
      megabytes(`${title}, MB/s`),
    ],
    cpu: { operation: title },
    needs: 'mailbox',
  };
}

function searches(): Benchmark {
  return {
    name: 'search',
    load: () => ['search', '--user', READER],
    figures: QUERIES.map((query) => ({
      title: `${/^(SORT|THREAD)/.test(query) ? query : `SEARCH ${query}`}, ms`,
      better: 'less',
      read: ({ ms }) => ms?.[query],
    })),
    needs: 'mailbox',
  };
}

/** @param sessions  of Rainmail, where it isn't what the options say */
export function idlers(proto: 'imap' | 'pop3', wanted?: Wanted, sessions?: number): Benchmark {
  const { first, count } = IDLERS;
  return {
    name: `idle-${proto}`,
    load: ({ idle, quick }, { name }) => {
      const ours = quick ? idle.rainmail : (sessions ?? idle.rainmail);
      const conns = name === 'Rainmail' ? ours : idle.dovecot;
      const users = ['--first-user', first, '--users', count];
      return ['idle', '--proto', proto, '--conns', conns, ...users, '--settle', quick ? 1 : 3];
    },
    figures: [
      {
        title: `memory of an idle signed-in ${proto.toUpperCase()} connection, KB`,
        better: 'less',
        read: ({ kbEach }) => kbEach,
        ...(wanted === undefined ? {} : { wanted }),
      },
    ],
    fresh: true,
    needs: 'idlers',
  };
}

function largeMessage(what: keyof typeof LARGE_WAYS): Benchmark {
  const out = what === 'fetch' || what === 'retr';
  const user = out ? LARGE_READER : LARGE_RECIPIENT;
  return {
    name: `large-${what}`,
    load: () => ['large', '--what', what, '--size', LARGE_BYTES, '--user', user],
    figures: [
      {
        title: `a message of 50 MB ${LARGE_WAYS[what]}: growth of memory, MB`,
        better: 'less',
        wanted: { atMost: 10 },
        read: ({ growthMb }) => growthMb,
      },
      {
        title: `the same, the fourth in a row`,
        better: 'less',
        read: ({ growthAgainMb }) => growthAgainMb,
      },
    ],
    rainmailOnly: true,
    fresh: true,
    ...(out ? { needs: 'large message' as const } : {}),
  };
}

function rate(title: string, times?: number): Figure {
  return { title, better: 'more', read: perSecond, ...(times === undefined ? {} : { wanted: { times } }) };
}

function megabytes(title: string): Figure {
  return { title, better: 'more', read: ({ mbPerSec }) => mbPerSec };
}
