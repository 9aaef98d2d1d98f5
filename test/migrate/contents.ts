/** What an account holds, read over IMAP: for comparing two servers message by message. */
import { hash } from 'node:crypto';
import { ImapFlow } from 'imapflow';
import { PASSWORD, type TrialOffice } from '../helpers/office.ts';

/** Folder -> its messages, each as one line: hash of the content, date, flags. In order. */
export type Contents = Map<string, string[]>;

export async function contentsOf(client: ImapFlow): Promise<Contents> {
  const contents: Contents = new Map();
  for (const { path, flags } of await client.list()) {
    if (flags.has('\\Noselect')) continue;
    await client.mailboxOpen(path, { readOnly: true });
    const messages: string[] = [];
    if (client.mailbox !== false && client.mailbox.exists > 0) {
      const wanted = { uid: true, flags: true, internalDate: true, source: true } as const;
      for await (const { source, internalDate, flags: set } of client.fetch('1:*', wanted)) {
        const names = [...set!].filter((flag) => flag !== '\\Recent').sort();
        messages.push(
          `${hash('sha256', source!).slice(0, 20)} ${new Date(internalDate!).toISOString()} ${names.join(' ')}`,
        );
      }
    }
    contents.set(path, messages);
  }
  return contents;
}

/** What somebody has in an office. */
export async function contentsHere(office: TrialOffice, person = 'anna'): Promise<Contents> {
  const client = await clientHere(office, person);
  try {
    return await contentsOf(client);
  } finally {
    await client.logout();
  }
}

export async function clientHere(office: TrialOffice, person = 'anna'): Promise<ImapFlow> {
  const client = new ImapFlow({
    host: '127.0.0.1',
    port: office.port('imap'),
    secure: false,
    doSTARTTLS: false,
    auth: { user: office.address(person), pass: PASSWORD },
    logger: false,
    disableAutoIdle: true,
  });
  await client.connect();
  return client;
}

/** Folders with the names they have here, each message once more or less counted: order is by UID on both sides. */
export function named(contents: Contents, names: Readonly<Record<string, string>>): Contents {
  return new Map([...contents].map(([name, messages]) => [names[name] ?? name, messages]));
}

/** The folders that hold something, in order of name. */
export function filled(contents: Contents): [string, string[]][] {
  return [...contents].filter(([, messages]) => messages.length > 0).sort(([a], [b]) => (a < b ? -1 : 1));
}
