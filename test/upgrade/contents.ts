/** What an office holds, as its clients see it: the measure of an upgrade. Plain data, kept as JSON beside the data directory of a release. */
import { createHash } from 'node:crypto';
import { ImapDevice, Pop3Device } from '../helpers/line-client.ts';

export interface Ports {
  readonly imap: number;
  readonly pop3: number;
}

export interface MessageContents {
  readonly uid: number;
  readonly flags: readonly string[];
  readonly internalDate: string;
  readonly emailId: string;
  readonly size: number;
  /** SHA-256 of all its bytes. */
  readonly sha256: string;
}

export interface FolderContents {
  /** As IMAP writes it. */
  readonly name: string;
  readonly attributes: readonly string[];
  readonly uidvalidity: number;
  readonly uidnext: number;
  readonly messages: readonly MessageContents[];
}

export interface AccountContents {
  readonly folders: readonly FolderContents[];
  readonly subscriptions: readonly string[];
  /** What POP3 lists, in its order. */
  readonly drop: readonly { readonly uidl: string; readonly sha256: string }[];
}

export type Contents = Readonly<Record<string, AccountContents>>;

/** Reads all that these accounts hold, over IMAP and over POP3. Changes nothing. */
export async function readContents(ports: Ports, accounts: readonly string[], password: string): Promise<Contents> {
  const contents: Record<string, AccountContents> = {};
  for (const account of accounts) {
    const imap = await ImapDevice.signIn(ports.imap, account, password);
    const pop3 = await Pop3Device.signIn(ports.pop3, account, password);
    contents[account] = { ...(await readFolders(imap)), drop: await readDrop(pop3) };
    imap.close();
    await pop3.command('QUIT');
    pop3.close();
  }
  return contents;
}

async function readFolders(session: ImapDevice): Promise<Omit<AccountContents, 'drop'>> {
  const listed = (await session.command('LIST "" "*" RETURN (SPECIAL-USE)')).untagged.map((line) => {
    const [, attributes, name] = /^LIST \(([^)]*)\) "\/" (.*)$/.exec(line)!;
    return { name: name!, attributes: words(attributes!) };
  });
  const subscriptions = (await session.command('LSUB "" "*"')).untagged.map(
    (line) => /^LSUB \([^)]*\) "\/" (.*)$/.exec(line)![1]!,
  );
  const folders: FolderContents[] = [];
  for (const { name, attributes } of listed) {
    if (attributes.some((attribute) => /^\\(noselect|nonexistent)$/i.test(attribute))) {
      folders.push({ name, attributes, uidvalidity: 0, uidnext: 0, messages: [] });
      continue;
    }
    const { untagged } = await session.command(`EXAMINE ${name}`);
    const number = (code: string): number => Number(new RegExp(`\\[${code} (\\d+)\\]`).exec(untagged.join())![1]);
    const messages = untagged.includes('0 EXISTS') ? [] : await readMessages(session);
    folders.push({ name, attributes, uidvalidity: number('UIDVALIDITY'), uidnext: number('UIDNEXT'), messages });
  }
  return { folders, subscriptions: subscriptions.sort() };
}

async function readMessages(session: ImapDevice): Promise<MessageContents[]> {
  const { untagged } = await session.command('UID FETCH 1:* (FLAGS INTERNALDATE EMAILID RFC822.SIZE BODY.PEEK[])');
  return untagged
    .filter((line) => line.includes(' FETCH '))
    .map((line) => {
      const literal = /\{(\d+)\}\r\n/.exec(line)!;
      const start = literal.index + literal[0].length;
      return {
        uid: Number(/\bUID (\d+)/.exec(line)![1]),
        // \Recent belongs to the session that sees it, not to the message.
        flags: words(/FLAGS \(([^)]*)\)/.exec(line)![1]!).filter((flag) => flag !== '\\Recent'),
        internalDate: /INTERNALDATE "([^"]*)"/.exec(line)![1]!,
        emailId: /EMAILID \(([^)]*)\)/.exec(line)![1]!,
        size: Number(/RFC822\.SIZE (\d+)/.exec(line)![1]),
        sha256: sha256(line.slice(start, start + Number(literal[1]))),
      };
    });
}

async function readDrop(session: Pop3Device): Promise<AccountContents['drop']> {
  const uidls = await session.uidl();
  return (await session.all()).map((content, index) => ({ uidl: uidls[index]!, sha256: sha256(content) }));
}

function words(text: string): string[] {
  return text.split(' ').filter(Boolean).sort();
}

function sha256(latin1: string): string {
  return createHash('sha256').update(latin1, 'latin1').digest('hex');
}
