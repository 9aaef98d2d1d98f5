/** Literals as they are announced at the end of a line (RFC 9051 4.3; LITERAL+ of RFC 7888; literal8 of RFC 3516). */
import type { Literal } from './types.ts';

const ANNOUNCED = /(~?)\{(\d{1,10})(\+?)\}$/;
const CLOSING_BRACE = 0x7d;

/**
 * The literal that a line announces at its end, or null. `line` has no CRLF.
 *
 * A quoted string can't hold a line end, so what stands at the end of a line is never inside one.
 */
export function announcedLiteral(line: string): Literal | null {
  if (line.charCodeAt(line.length - 1) !== CLOSING_BRACE) return null;
  const found = ANNOUNCED.exec(line.slice(-16));
  if (found === null) return null;
  return { size: Number(found[2]), synchronizing: found[3] === '', binary: found[1] === '~' };
}
