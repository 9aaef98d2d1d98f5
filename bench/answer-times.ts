/**
 * Whether the time of an answer tells which addresses exist: the questions of mail programs that set themselves up, asked for people that there
 * are and for people that there aren't, in turns that are drawn by lot. Says the medians, and how far the two are apart in standard errors of
 * the difference (Welch's t, of the middle 90%): below 3 is what chance does.
 *
 *   npm run bench:answers -- [rounds]
 *
 * A sign-in with a wrong password comes through a proxy, each from another address, and is asked at most four times for each name: else it
 * would be the throttle that is measured.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { TestContext } from 'node:test';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { trialOffice } from '../test/helpers/office.ts';

const ROUNDS = Number(process.argv[2] ?? 2_000);
const PEOPLE = 200;
const TIMES_EACH = 4;

const ends: (() => Promise<void>)[] = [];
const context = { after: (end: () => Promise<void>) => ends.push(end) } as unknown as TestContext;
const office = await trialOffice(context, {
  people: Array.from({ length: PEOPLE }, (_, i) => `person${i}`),
  config: '[proxy]\nnetworks = ["127.0.0.0/8"]\n',
});

let lastClient = 0;

/** A connection from an address that was never there before. */
async function connection(): Promise<TLSSocket> {
  const socket = connect(office.port('https'), '127.0.0.1');
  await once(socket, 'connect');
  const client = ++lastClient;
  socket.write(`PROXY TCP4 10.${client >> 16}.${(client >> 8) & 255}.${client & 255} 192.0.2.1 1 443\r\n`);
  const tls = connectTls({ socket, rejectUnauthorized: false });
  await once(tls, 'secureConnect');
  return tls;
}

/** Microseconds from the question to the first byte of its answer. */
async function time(socket: TLSSocket, question: string): Promise<number> {
  const answered = once(socket, 'data');
  const start = performance.now();
  socket.write(question);
  await answered;
  return (performance.now() - start) * 1_000;
}

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: office.test\r\n\r\n`;

const open = {
  autoconfig: (address: string) => get(`/mail/config-v1.1.xml?emailaddress=${address}`),
  'autodiscover.json': (address: string) =>
    get(`/autodiscover/autodiscover.json?Email=${address}&Protocol=AutodiscoverV1`),
};

let lastPassword = 0;

/** Another one each time: what is wrong again is known, and not checked a second time. */
function wrongPassword(address: string): string {
  const body = `<Autodiscover><Request><EMailAddress>${address}</EMailAddress></Request></Autodiscover>`;
  const basic = Buffer.from(`${address}:wrong-${++lastPassword}`).toString('base64');
  return `POST /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: office.test\r\nAuthorization: Basic ${basic}\r\nContent-Type: text/xml\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

/** Addresses of the same length, whoever has them. */
const real = (i: number) => `person${i % PEOPLE}@office.test`;
const invented = (i: number) => `nobody${i % PEOPLE}@office.test`;

try {
  const kept = await connection();
  for (const [name, question] of Object.entries(open)) {
    await compare(name, ROUNDS, (address) => time(kept, question(address)));
  }
  kept.destroy();
  await compare('autodiscover, wrong password', PEOPLE * TIMES_EACH, async (address) => {
    const socket = await connection();
    try {
      return await time(socket, wrongPassword(address));
    } finally {
      socket.destroy();
    }
  });
} finally {
  for (const end of ends) await end();
}

async function compare(name: string, rounds: number, ask: (address: string) => Promise<number>): Promise<void> {
  const times: { real: number[]; invented: number[] } = { real: [], invented: [] };
  for (let i = 0; i < Math.min(200, rounds / 4); i++) await ask(`warmup${i}@office.test`);
  for (let i = 0; i < rounds; i++) {
    const order = Math.random() < 0.5 ? (['real', 'invented'] as const) : (['invented', 'real'] as const);
    for (const kind of order) times[kind].push(await ask(kind === 'real' ? real(i) : invented(i)));
  }
  const [a, b] = [middle(times.real), middle(times.invented)];
  const apart = (mean(a) - mean(b)) / Math.sqrt(variance(a) / a.length + variance(b) / b.length);
  const text = [median(times.real), median(times.invented)].map((value) => `${value.toFixed(0)} µs`);
  console.log(
    `${name}: ${rounds} each; there are ${text[0]}, there are not ${text[1]}; ${apart.toFixed(1)} standard errors apart`,
  );
}

/** Without the slowest and fastest twentieth, which the machine's other work makes. */
function middle(values: readonly number[]): number[] {
  const cut = Math.floor(values.length / 20);
  return values.toSorted((x, y) => x - y).slice(cut, values.length - cut);
}

function median(values: readonly number[]): number {
  return values.toSorted((x, y) => x - y)[values.length >> 1]!;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function variance(values: readonly number[]): number {
  const middleOf = mean(values);
  return values.reduce((sum, value) => sum + (value - middleOf) ** 2, 0) / (values.length - 1);
}
