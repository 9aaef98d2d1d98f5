/**
 * One question to one DNS server, and its answer: over UDP, and over TCP where the answer is too long for that (RFC 7766 5).
 *
 * Invariant: an answer is taken only if it comes from where the question went, with its number and its words (RFC 5452 9.1). Each question has a
 * socket of its own, so its port is one that nobody can guess.
 */
import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import { type Answer, AUTHENTIC_DATA, type DecodedPacket, decode, encode, RECURSION_DESIRED } from 'dns-packet';
import type { Milliseconds } from '../store/ids.ts';
import type { RecordType } from './answer.ts';

export interface DnsServer {
  readonly host: string;
  readonly port: number;
}

export interface DnsQuestion {
  /** In ASCII, without the dot of the root. */
  readonly name: string;
  readonly type: RecordType;
}

/** What fits through every network in one piece (DNS flag day 2020). */
const UDP_PAYLOAD = 1_232;

const OPT = {
  type: 'OPT',
  name: '.',
  udpPayloadSize: UDP_PAYLOAD,
  extendedRcode: 0,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
  options: [],
} as const satisfies Answer;

/** The types of the library leave it out. */
export interface DnsReply extends DecodedPacket {
  readonly rcode: string;
}

/** Rejects with an Error when there is no answer in time, or none that makes sense. */
export async function exchange(server: DnsServer, question: DnsQuestion, within: Milliseconds): Promise<DnsReply> {
  const reply = await ask(server, question, within, true);
  // RFC 6891 7: so says a server that is older than EDNS, as in some routers.
  return reply.rcode === 'FORMERR' || reply.rcode === 'NOTIMP' ? ask(server, question, within, false) : reply;
}

async function ask(server: DnsServer, question: DnsQuestion, within: Milliseconds, edns: boolean): Promise<DnsReply> {
  const id = randomInt(65_536);
  const query = encode({
    type: 'query',
    id,
    // AD asks to be told whether the signatures were checked (RFC 6840 5.7).
    flags: RECURSION_DESIRED | AUTHENTIC_DATA,
    questions: [{ ...question, class: 'IN' }],
    additionals: edns ? [OPT] : [],
  });
  const isAnswer = (packet: DnsReply): boolean => {
    const [asked, ...more] = packet.questions ?? [];
    if (packet.type !== 'response' || packet.id !== id) return false;
    if (asked === undefined && packet.rcode === 'FORMERR') return true; // who can't read a question can't repeat it
    return (
      more.length === 0 && asked?.type === question.type && asked.name.toLowerCase() === question.name.toLowerCase()
    );
  };
  const short = await overUdp(server, query, isAnswer, within);
  return short.flag_tc ? overTcp(server, query, isAnswer, within) : short;
}

function overUdp(
  { host, port }: DnsServer,
  query: Buffer,
  isAnswer: (packet: DnsReply) => boolean,
  within: Milliseconds,
): Promise<DnsReply> {
  const { promise, resolve, reject } = Promise.withResolvers<DnsReply>();
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  const timer = setTimeout(() => reject(new Error(`${host} did not answer`)), within);
  socket.on('error', reject);
  socket.on('message', (bytes) => {
    const packet = decoded(bytes);
    if (packet !== undefined && isAnswer(packet)) resolve(packet); // anything else is not for us
  });
  // Connected, the socket hears of nobody else, and of a port that nobody listens on.
  socket.connect(port, host, () => socket.send(query));
  return promise.finally(() => {
    clearTimeout(timer);
    socket.close();
  });
}

function overTcp(
  { host, port }: DnsServer,
  query: Buffer,
  isAnswer: (packet: DnsReply) => boolean,
  within: Milliseconds,
): Promise<DnsReply> {
  const { promise, resolve, reject } = Promise.withResolvers<DnsReply>();
  const socket = connect({ host, port, timeout: within });
  const timer = setTimeout(() => reject(new Error(`${host} did not answer over TCP`)), within);
  let received = Buffer.alloc(0);
  socket.on('error', reject);
  socket.on('close', () => reject(new Error(`${host} closed the connection`)));
  socket.on('data', (bytes: Buffer) => {
    received = Buffer.concat([received, bytes]); // at most 64 KB: the length has two bytes
    if (received.length < 2 || received.length < 2 + received.readUInt16BE()) return;
    const packet = decoded(received.subarray(2, 2 + received.readUInt16BE()));
    if (packet !== undefined && isAnswer(packet)) resolve(packet);
    else reject(new Error(`${host} gave another answer than was asked for`));
  });
  const length = Buffer.alloc(2);
  length.writeUInt16BE(query.length);
  socket.write(Buffer.concat([length, query]));
  return promise.finally(() => {
    clearTimeout(timer);
    socket.destroy();
  });
}

/** Undefined: it is no DNS message. */
function decoded(bytes: Buffer): DnsReply | undefined {
  try {
    return decode(bytes) as DnsReply;
  } catch {
    return undefined; // whoever sent it; the time limit runs on
  }
}
