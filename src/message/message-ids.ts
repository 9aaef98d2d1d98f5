/** Message-ID, In-Reply-To and References (RFC 5322 3.6.4), for threading. */
import { unquote } from './parameters.ts';

/** At most so many of one field are kept: the first, which names the thread, and the last, which name the nearest. */
const MAX_IDS = 100;

/** An identifier longer than a line (RFC 5322 2.1.1) is none. */
const MAX_ID_LENGTH = 998;

/** The identifiers of an unfolded field, without angle brackets, in order, without doubles, at most {@link MAX_IDS}. Words between them are skipped. */
export function readMessageIds(field: string): string[] {
  const ids = new Set<string>();
  for (let open = field.indexOf('<'); open >= 0; ) {
    const close = field.indexOf('>', open);
    if (close < 0) break;
    const start = field.lastIndexOf('<', close) + 1;
    const id = normalised(field.slice(start, close));
    if (id !== '' && id.length <= MAX_ID_LENGTH) ids.add(id);
    open = field.indexOf('<', close);
  }
  const all = [...ids];
  return all.length <= MAX_IDS ? all : [all[0]!, ...all.slice(1 - MAX_IDS)];
}

/** The identifier of a Message-ID field, or null. One that lacks its brackets is taken as it is when it is one word with an `@`. */
export function readMessageId(field: string): string | null {
  const [id] = readMessageIds(field);
  if (id !== undefined) return id;
  const bare = field.trim();
  return bare.length <= MAX_ID_LENGTH && /^[^\s<>@]+@[^\s<>@]+$/.test(bare) ? bare : null;
}

/** One identifier in one form: no blanks, no needless quotes (RFC 5256 2.2: `"a"@b` and `a@b` are the same). */
function normalised(id: string): string {
  const solid = id.replace(/\s+/g, '');
  const quoted = /^("(?:[^"\\]|\\[\s\S])*")(@[\s\S]*)$/.exec(solid);
  return quoted === null ? solid : unquote(quoted[1]!) + quoted[2]!;
}
