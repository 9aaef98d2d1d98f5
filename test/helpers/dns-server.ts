/** A DNS server of the test's own, on loopback, over UDP and TCP; it says what the test wrote down. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import type { TestContext } from 'node:test';
import { type Answer, AUTHENTIC_DATA, decode, encode, type Packet, type Question } from 'dns-packet';
import type { DnsServer } from '../../src/dns/exchange.ts';
import { defer } from './defer.ts';

/** What is said of one name and type: records, or an error code, or nothing at all. */
export type Saying = readonly Answer[] | 'NXDOMAIN' | 'SERVFAIL' | 'REFUSED' | 'silence';

export class ScriptedDns {
  /** `MX example.net` -> what is said. A name with no line at all does not exist; one with other types has none of this one. */
  readonly zone = new Map<string, Saying>();
  /** Questions as they came, over UDP and TCP. */
  readonly asked: string[] = [];
  /** Sets the AD bit. */
  authentic = false;
  /** Answers over UDP say that they are too long for it. */
  truncated = false;
  /** It is older than EDNS. */
  old = false;
  server: DnsServer = { host: '127.0.0.1', port: 0 };

  /** Writes records down; TTL 300. */
  say(type: Question['type'], name: string, ...data: readonly unknown[]): void {
    this.zone.set(
      `${type} ${name}`,
      data.map((each) => ({ type, name, ttl: 300, class: 'IN', data: each }) as Answer),
    );
  }

  /** The reply to a query; undefined: none. */
  reply(query: Buffer, overUdp: boolean): Buffer | undefined {
    const packet = decode(query);
    const [question] = packet.questions ?? [];
    if (question === undefined) return undefined;
    this.asked.push(`${overUdp ? '' : 'tcp '}${question.type} ${question.name}`);
    if (this.old && (packet.additionals ?? []).length > 0) {
      return encode({ type: 'response', id: packet.id ?? 0, flags: CODES.FORMERR });
    }
    const said = this.#sayingOf(question);
    if (said === 'silence') return undefined;
    const flags = 0x0180 | (this.authentic ? AUTHENTIC_DATA : 0);
    const reply: Packet = { type: 'response', id: packet.id ?? 0, flags, questions: [question], answers: [] };
    if (overUdp && this.truncated) return encode({ ...reply, flags: flags | 0x0200 });
    if (typeof said === 'string') return encode({ ...reply, flags: flags | CODES[said] });
    return encode({ ...reply, answers: [...said] });
  }

  #sayingOf({ type, name }: Question): Saying {
    const lower = name.toLowerCase();
    const said = this.zone.get(`${type} ${lower}`);
    if (said !== undefined) return said;
    const alias = this.zone.get(`CNAME ${lower}`);
    if (alias !== undefined && typeof alias !== 'string') {
      const [first] = alias;
      const further = first?.type === 'CNAME' ? this.#sayingOf({ type, name: first.data }) : [];
      return typeof further === 'string' ? further : [...alias, ...further];
    }
    return [...this.zone.keys()].some((key) => key.endsWith(` ${lower}`)) ? [] : 'NXDOMAIN';
  }
}

const CODES = { FORMERR: 1, NXDOMAIN: 3, SERVFAIL: 2, REFUSED: 5 } as const;

/** Starts one on a free port; it ends with the test. */
export async function scriptedDns(
  t: TestContext,
  at: DnsServer = { host: '127.0.0.1', port: 0 },
): Promise<ScriptedDns> {
  const dns = new ScriptedDns();
  const udp = createSocket('udp4');
  const tcp = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes: Buffer) => {
      const reply = dns.reply(bytes.subarray(2), false);
      if (reply === undefined) return;
      const length = Buffer.alloc(2);
      length.writeUInt16BE(reply.length);
      // In two pieces, as networks do.
      socket.write(length);
      socket.write(reply);
    });
  });
  udp.on('message', (query, from) => {
    const reply = dns.reply(query, true);
    if (reply !== undefined) udp.send(reply, from.port, from.address);
  });
  defer(t, () => {
    udp.close();
    tcp.close();
  });
  const port = await sharedPort(udp, tcp, at);
  dns.server = { host: at.host, port };
  return dns;
}

/** Both listen on one port, which may be taken over UDP when it is free over TCP: then on another. */
async function sharedPort(udp: Socket, tcp: Server, at: { readonly host: string; readonly port: number }) {
  for (;;) {
    tcp.listen(at.port, at.host);
    await once(tcp, 'listening');
    const { port } = tcp.address() as AddressInfo;
    try {
      udp.bind(port, at.host);
      await once(udp, 'listening');
      return port;
    } catch (error) {
      if (at.port !== 0 || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      tcp.close();
      await once(tcp, 'close');
    }
  }
}
