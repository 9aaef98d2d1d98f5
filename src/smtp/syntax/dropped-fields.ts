/** Fields that are taken out of messages as they come in. Pure. */
import { domainToASCII } from 'node:url';
import type { FieldRule } from './field-filter.ts';

/** Who gets a submitted message without the others knowing (RFC 5322 3.6.3, RFC 6409 8). */
export const HIDDEN_FIELDS: readonly FieldRule[] = [
  { name: 'bcc', goes: () => true },
  { name: 'resent-bcc', goes: () => true },
];

/** Whoever delivers a message says where it came from, and nobody before (RFC 5321 4.4): what somebody sends on from his INBOX has one of ours. */
export const RETURN_PATH: FieldRule = { name: 'return-path', goes: () => true };

/**
 * Authentication-Results that claim to be ours, and are not: everybody who reads such a field believes it (RFC 8601 5). One that does not
 * say whose it is goes too. A signature that covers it fails by that; nobody should sign this field (RFC 6376 5.4.1).
 *
 * @param ours  as we sign our own
 */
export function forgedResults(ours: string): FieldRule {
  const name = comparable(ours);
  return {
    name: 'authentication-results',
    goes(field) {
      const text = field.toString('latin1');
      const id = authservId(text.slice(text.indexOf(':') + 1));
      return id === undefined || comparable(id) === name;
    },
  };
}

/** RFC 8616 5: it may stand there in Unicode. */
function comparable(id: string): string {
  const name = Buffer.from(id, 'latin1').toString().replace(/\.$/, '');
  return domainToASCII(name) || name.toLowerCase();
}

/** RFC 8601 2.2: a token or a quoted string, after comments and white space; undefined when it is neither, or goes on beyond what is here. */
function authservId(value: string): string | undefined {
  const text = withoutComments(value).trimStart();
  const quoted = /^"((?:[^"\\]|\\.)*)"/s.exec(text)?.[1];
  return quoted?.replace(/\\(.)/gs, '$1').trim() ?? /^[^\s()<>@,;:\\"[\]?=]+(?=[\s()<>@,;:\\"[\]?=])/.exec(text)?.[0];
}

/** Comments nest, and may hide parentheses behind backslashes (RFC 5322 3.2.2); those in quoted strings are none. */
function withoutComments(value: string): string {
  let text = '';
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < value.length; at += 1) {
    const char = value[at]!;
    if (char === '\\') {
      if (depth === 0) text += value.slice(at, at + 2);
      at += 1;
    } else if (quoted || (char === '"' && depth === 0)) {
      if (char === '"') quoted = !quoted;
      text += char;
    } else if (char === '(') depth += 1;
    else if (char === ')' && depth > 0) depth -= 1;
    else if (depth === 0) text += char;
  }
  return text;
}
