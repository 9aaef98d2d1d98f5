/** The server's own name: its addresses, and the names of these (RFC 8601 3, iprev). */
import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { reverseName } from '../../checks/authentication/iprev.ts';
import { isIn } from '../../net/address.ts';
import { addressesOf, type Finding, good, wrong, type Zone, type ZoneCheck } from './zone.ts';

/** Nobody on the Internet reaches these (RFC 6890). */
const PRIVATE = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const) {
  PRIVATE.addSubnet(network, prefix, 'ipv4');
}
for (const [network, prefix] of [
  ['::', 127],
  ['fc00::', 7],
  ['fe80::', 10],
] as const) {
  PRIVATE.addSubnet(network, prefix, 'ipv6');
}

export const host: ZoneCheck = {
  about: 'A',
  group: 'must',
  async run(zone) {
    const names = [...new Set([zone.facts.services.host, zone.name])];
    const found: Finding[] = [];
    for (const name of names) found.push(...(await addressFindings(zone, name)));
    return found;
  },
};

async function addressFindings(zone: Zone, name: string): Promise<Finding[]> {
  const addresses = await addressesOf(zone, name);
  const publicOnes = addresses.filter((address) => !isIn(PRIVATE, address));
  const lines = [`${name}. IN A ADDRESS`];
  if (addresses.length === 0) {
    return [wrong('must', 'A', `${name} has no address.`, 'Nobody finds this server by its name.', lines)];
  }
  if (publicOnes.length === 0) {
    const text = `${name} has only addresses of a private network: ${addresses.join(', ')}.`;
    return [wrong('must', 'A', text, 'Nobody on the Internet reaches it there.', lines)];
  }
  const found = [good('must', 'A', `${name} is ${addresses.join(' and ')}.`)];
  if (publicOnes.length < addresses.length) {
    const text = `${name} has addresses of a private network, too: ${addresses.filter((one) => isIn(PRIVATE, one)).join(', ')}.`;
    found.push(wrong('should', 'A', text, 'Other servers try them in vain, and mail takes longer.'));
  }
  return found;
}

export const reverse: ZoneCheck = {
  about: 'PTR',
  group: 'must',
  async run(zone) {
    const found: Finding[] = [];
    for (const address of await sendingAddresses(zone)) found.push(await nameFinding(zone, address));
    return found;
  },
};

/** From which this server's mail comes, as others see it. */
export async function sendingAddresses(zone: Zone): Promise<string[]> {
  if (zone.relay !== null) return []; // others see those of the relay, which are its own business
  const isSeen = (address: string) => !isIn(PRIVATE, address);
  const own = zone.sendsFrom.filter((address) => (isIPv4(address) || isIPv6(address)) && isSeen(address));
  // Behind a router that translates them others see the router's, which the server's name has.
  return own.length > 0 ? own : (await addressesOf(zone, zone.name)).filter(isSeen);
}

async function nameFinding(zone: Zone, address: string): Promise<Finding> {
  const { records: names } = await zone.resolver.query(reverseName(address), 'PTR');
  const lines = [`${reverseName(address)}. IN PTR ${zone.name}.`];
  const who = 'Whoever gave you the address, your provider for one, sets it.';
  if (names.length === 0) {
    const why = `Many servers refuse mail from an address without a name. ${who}`;
    return wrong('must', 'PTR', `${address} has no name (PTR).`, why, lines);
  }
  if (!names.includes(zone.name)) {
    const why = `Servers compare it with the name that this one gives, ${zone.name}, and distrust what differs. ${who}`;
    return wrong('should', 'PTR', `The name of ${address} is ${names.join(', ')}.`, why, lines);
  }
  if (!(await addressesOf(zone, zone.name)).includes(address)) {
    const type = isIPv4(address) ? 'A' : 'AAAA';
    const text = `The name of ${address} is ${zone.name}, but that has other addresses.`;
    const why = 'A name counts only when it leads back to the address.';
    return wrong('must', 'PTR', text, why, [`${zone.name}. IN ${type} ${address}`]);
  }
  return good('must', 'PTR', `The name of ${address} is ${zone.name}, and leads back.`);
}
