/**
 * The hosts that take mail for a domain, in the order in which they are tried (RFC 5321 5.1).
 *
 * Invariant: this server never sends to itself: its own name among the hosts ends the list there, since who stands behind it hands mail to us.
 */
import { isIP } from 'node:net';
import type { Resolver } from '../dns/resolver.ts';

export interface Host {
  /** As the certificate names it. */
  readonly name: string;
  /** In the order in which they are tried. */
  readonly addresses: readonly string[];
  /** Its name and its addresses came signed, so that what DANE says of it can be believed (RFC 7672 2.2). */
  readonly authentic: boolean;
}

/** No mail can go there, now or later: what the sender is told. */
export class NoSuchDestination extends Error {
  override readonly name = 'NoSuchDestination';
  readonly reply: number;
  /** RFC 3463 */
  readonly status: string;

  constructor(reply: number, status: string, text: string) {
    super(text);
    this.reply = reply;
    this.status = status;
  }
}

/** Hosts and addresses that are tried of one domain: whoever names more can't keep us busy. */
const MOST_HOSTS = 10;
/** Of each kind. */
const MOST_ADDRESSES = 4;

export interface HostsOptions {
  readonly resolver: Resolver;
  /** Names of this server. */
  readonly ownNames: ReadonlySet<string>;
  /** From 0 to 1, for the order of hosts that are as good as each other. */
  readonly random: () => number;
}

/**
 * @param domain  in ASCII
 * @throws NoSuchDestination when no mail can go there; Refused `dns.unavailable` when nobody could say
 */
export async function hostsOf(domain: string, options: HostsOptions): Promise<Host[]> {
  const { resolver, ownNames, random } = options;
  const mx = await resolver.query(domain, 'MX');
  // RFC 7505 3: the domain says that it takes no mail.
  if (mx.records.length > 0 && mx.records.every(({ exchange }) => exchange === '')) {
    throw new NoSuchDestination(556, '5.1.10', `${domain} says in the DNS that it takes no mail.`);
  }
  if (mx.missing) throw new NoSuchDestination(550, '5.1.2', `There is no domain ${domain}.`);
  // RFC 5321 5.1: without MX records the domain is its own host.
  const exchanges = mx.records.length === 0 ? [{ preference: 0, exchange: domain }] : mx.records;
  const ordered = exchanges
    .filter(({ exchange }) => exchange !== '' && isIP(exchange) === 0)
    .map((each) => ({ ...each, chance: random() }))
    .sort((a, b) => a.preference - b.preference || a.chance - b.chance);
  const own = ordered.find(({ exchange }) => ownNames.has(exchange));
  const before = own === undefined ? ordered : ordered.filter(({ preference }) => preference < own.preference);
  if (own !== undefined && before.length === 0) {
    const text = `${domain} names this server for its mail, which knows no such domain.`;
    throw new NoSuchDestination(554, '5.4.6', text);
  }
  const hosts: Host[] = [];
  let unsure: unknown;
  for (const { exchange } of before.slice(0, MOST_HOSTS)) {
    try {
      const host = await hostNamed(exchange, resolver);
      if (host.addresses.length > 0) hosts.push({ ...host, authentic: mx.authentic && host.authentic });
    } catch (error) {
      unsure = error; // another one may do; if none does, this one may later
    }
  }
  if (hosts.length > 0) return hosts;
  if (unsure !== undefined) throw unsure;
  throw new NoSuchDestination(550, '5.4.4', `${domain} names no server that takes its mail.`);
}

/** A host with its addresses; none when it has none. @throws Refused `dns.unavailable` */
export async function hostNamed(name: string, resolver: Pick<Resolver, 'query'>): Promise<Host> {
  if (isIP(name) !== 0) return { name, addresses: [name], authentic: false };
  const [six, four] = await Promise.allSettled([resolver.query(name, 'AAAA'), resolver.query(name, 'A')]);
  const known = [six, four].flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const addresses = known.flatMap(({ records }) => records.slice(0, MOST_ADDRESSES));
  if (addresses.length === 0 && six.status === 'rejected') throw six.reason;
  if (addresses.length === 0 && four.status === 'rejected') throw four.reason;
  // Of a kind that nobody could say anything of there is no address here: it makes the others no less sure (RFC 7672 2.2).
  return { name, addresses, authentic: known.every(({ authentic }) => authentic) };
}
