/** The Internet of the benchmark: domains that take mail, each at a loopback address of its own, and domains that send it. */

export const DESTINATIONS = 50;

/** @param number  from 0 */
export function destinationDomain(number: number): string {
  return `d${number + 1}.example`;
}

export function destinationAddress(number: number): string {
  return `127.0.1.${number + 1}`;
}

export const SENDERS = 50;

/** @param number  from 0 */
export function senderDomain(number: number): string {
  return `s${(number % SENDERS) + 1}.example`;
}
