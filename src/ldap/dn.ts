/** Distinguished names (RFC 4514), in a form in which equal ones are equal text. Pure. */

/** An escaped byte, an escaped character, or what would look like a byte once those are replaced. */
const ESCAPED = /\\([0-9A-Fa-f]{2})|\\(.)|%/gsu;

/**
 * A name as it is compared: what separates is without white space, letters are small, and nothing is escaped that need not be. Attribute
 * types have one name each: `cn`, not `2.5.4.3`, as servers give them.
 */
export function comparableDn(text: string): string {
  return split(text, ',')
    .map((rdn) =>
      split(rdn, '+')
        .map((part) => {
          const equals = part.indexOf('=');
          return `${part.slice(0, equals).trim()}=${canonicalValue(part.slice(equals + 1))}`.toLowerCase();
        })
        .sort() // RFC 4514 2.2: in no order
        .join('+'),
    )
    .join(',');
}

/** Splits at what is neither escaped nor quoted (RFC 2253 4: quotes come from older servers). */
function split(text: string, at: string): string[] {
  const parts: string[] = [];
  let [start, quoted] = [0, false];
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === '"') quoted = !quoted;
    else if (text[i] === at && !quoted) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}

/** RFC 4514 2.4: escapes are of single characters or of bytes of UTF-8. */
function canonicalValue(text: string): string {
  const bare = text.trim().replace(/^"(.*)"$/s, '$1');
  const encoded = bare.replace(ESCAPED, (_, byte?: string, character = '%') =>
    byte === undefined ? encodeURIComponent(character) : `%${byte}`,
  );
  const plain = decoded(encoded);
  return plain
    .trim()
    .replace(/\s+/g, ' ')
    .normalize('NFC')
    .replace(/[,+"\\<>;=]/g, '\\$&');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return `\0${text}`; // escaped bytes that are no UTF-8: compared as they are written, and like no text
  }
}
