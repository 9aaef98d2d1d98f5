/** An account at the old server as nobody has it, and as everybody's is a little: deep, oddly named, with every flag and broken mail. */
import type { ImapFlow } from 'imapflow';
import { corpus } from '../message/corpus.ts';

/** With `/` as delimiter. */
const ODD_NAMES = [
  'Größe & Gewicht',
  'with "quotes" and \\backslash',
  '  spaces  inside',
  'dots at the end...',
  'a ~ tilde',
  'emoji 📬 and 日本語',
  'per%cent and *star*',
  "o'clock (in brackets) [square] {curly}",
  'a&b&-c',
  '#hash!',
];

/** Of Dovecot's configuration; an ordinary folder elsewhere. */
const SENT = 'Sent Items';

const FLAGS = [
  [],
  ['\\Seen'],
  ['\\Seen', '\\Answered', '$Forwarded'],
  ['\\Flagged', 'Urgent'],
  ['\\Draft', '$MDNSent', '$label1', 'NonJunk'],
  ['\\Deleted', '\\Seen'],
  ['$Junk', 'with.dots-and_more', 'UPPER'],
];

/** 20 folders deep, one message in each. */
export function deepest(delimiter = '/'): string {
  return Array.from({ length: 20 }, (_, depth) => `level ${depth + 1}`).join(delimiter);
}

/** Fills an account: the corpus in INBOX, and a few in every odd folder. @returns how many */
export async function fillOddly(client: ImapFlow, more: readonly string[] = []): Promise<number> {
  let count = 0;
  const append = async (folder: string, content: Buffer) => {
    const date = new Date(1_500_000_000_000 + count * 3_600_000);
    await client.append(folder, content, FLAGS[count % FLAGS.length], date);
    count += 1;
  };
  for (const { bytes } of corpus()) await append('INBOX', bytes);
  for (const name of [...ODD_NAMES, ...more, deepest(), SENT]) {
    await client.mailboxCreate(name); // without effect where it is
    for (let index = 0; index < 3; index += 1) await append(name, plain(`${name} ${index}`));
  }
  // Larger than what is asked for at once, by far and exactly; and with the same size as others.
  for (const size of [1 << 20, (1 << 20) - 1, (1 << 20) + 1, 3_500_000]) await append(SENT, sized(size));
  return count;
}

export function plain(subject: string, text = 'Hello.'): Buffer {
  const id = Buffer.from(subject).toString('hex').slice(0, 60);
  return Buffer.from(
    `From: <ben@example.org>\r\nDate: Mon, 1 Jan 2024 12:00:00 +0100\r\nMessage-ID: <${id}@example.org>\r\nSubject: ${subject}\r\n\r\n${text}\r\n`,
  );
}

function sized(bytes: number): Buffer {
  const head = plain(`of ${bytes} bytes`, '');
  const body = Buffer.alloc(
    bytes - head.length,
    'All work and no play makes Jack a dull boy, says the proverb of old!\r\n',
  );
  body.write('\r\n', body.length - 2);
  return Buffer.concat([head, body]);
}
