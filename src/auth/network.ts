/** Who counts as one peer: an IPv4 address, or the /64 of an IPv6 address, since everybody has as many of those as they like. */

/** The network of an address as text that is equal for equal networks; an IPv4 address within IPv6 is taken as IPv4. */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  const bare = address.split('%', 1)[0]!.toLowerCase(); // without a zone
  if (bare.startsWith('::ffff:') && bare.includes('.')) return bare.slice(7); // RFC 4291 2.5.5.2
  const [head = '', tail] = bare.split('::');
  const front = head === '' ? [] : head.split(':');
  const back = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array<string>(Math.max(0, 8 - front.length - back.length)).fill('0');
  const groups = [...front, ...zeros, ...back].slice(0, 4);
  return `${groups.map((group) => group.replace(/^0+(?=.)/, '')).join(':')}::/64`;
}
