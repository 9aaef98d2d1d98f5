/** Passwords that the server makes up, for people to type. */
import { randomInt } from 'node:crypto';

/** Letters and digits that are not mistaken for one another when read aloud or copied by hand. */
const SIGNS = 'abcdefghijkmnpqrstuvwxyz23456789';

/** A password of 16 signs in groups of four: 80 bits. */
export function generatePassword(): string {
  const group = () => Array.from({ length: 4 }, () => SIGNS[randomInt(SIGNS.length)]).join('');
  return [group(), group(), group(), group()].join('-');
}
