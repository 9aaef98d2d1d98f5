/** A laptop whose mail mbsync (isync) keeps in a tree of maildirs. */
import assert from 'node:assert/strict';
import { mkdir, readdir } from 'node:fs/promises';
import type { TestContext } from 'node:test';
import { PASSWORD, type TrialOffice } from '../helpers/office.ts';
import { needsTool } from '../helpers/tools.ts';
import { type ClientHome, clientOffice } from './client.ts';
import { Maildir, subjectOf } from './maildir.ts';

type Tls = 'None' | 'STARTTLS' | 'IMAPS';

interface Settings {
  readonly tls: Tls;
  readonly mechanism: string;
}

/** A laptop that has its mail in maildirs. */
export class Laptop {
  readonly office: TrialOffice;
  readonly home: ClientHome;
  readonly inbox: Maildir;

  private constructor(office: TrialOffice, home: ClientHome) {
    this.office = office;
    this.home = home;
    this.inbox = this.folder('INBOX');
  }

  static async open(t: TestContext): Promise<Laptop | undefined> {
    if (!needsTool(t, 'mbsync')) return undefined;
    const { office, home } = await clientOffice(t);
    return Laptop.at(office, home);
  }

  /** At an office that is there. */
  static async at(office: TrialOffice, home: ClientHome): Promise<Laptop> {
    await mkdir(home.path('mail'));
    return new Laptop(office, home);
  }

  folder(name: string): Maildir {
    return new Maildir(this.home.path('mail', name));
  }

  folders(): Promise<string[]> {
    return readdir(this.home.path('mail')).then((names) => names.sort());
  }

  /** Runs mbsync. @returns what it printed */
  async mbsync(args: readonly string[], { tls, mechanism }: Settings): Promise<string> {
    const config = await this.home.file(
      'mbsyncrc',
      `IMAPAccount office
Host localhost
Port ${this.office.port(tls === 'IMAPS' ? 'imaps' : 'imap')}
User ${this.office.address('anna')}
Pass "${PASSWORD}"
SSLType ${tls}
CertificateFile ${this.home.ca}
AuthMechs ${mechanism}
PipelineDepth 20

IMAPStore office
Account office

MaildirStore laptop
Path ${this.home.path('mail')}/
Inbox ${this.home.path('mail', 'INBOX')}
SubFolders Verbatim

Channel all
Far :office:
Near :laptop:
Patterns *
Create Both
Remove Both
Expunge Both
SyncState *
CopyArrivalDate yes
`,
    );
    const { code, stdout, stderr } = await this.home.try('mbsync', ['-c', config, '-V', ...args]);
    assert.equal(code, 0, `${stdout}${stderr}`);
    return stdout + stderr;
  }

  /** Synchronises everything. */
  async sync(): Promise<void> {
    const printed = await this.mbsync(['-a'], { tls: 'IMAPS', mechanism: 'SCRAM-SHA-256' });
    assert.doesNotMatch(printed, /UIDVALIDITY.*(change|lost)|error/i);
  }

  /** Everything that a needless change would change, on both sides. */
  async state(): Promise<unknown> {
    const near = await Promise.all(
      (await this.folders()).map(async (name) => [name, (await this.folder(name).messages()).map(({ path }) => path)]),
    );
    const [phone] = this.office.devices('anna', ['phone']);
    const { untagged } = await phone.imap((session) =>
      session.command('LIST "" "*" RETURN (STATUS (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ))'),
    );
    return { near, far: untagged };
  }

  /** Synchronises again, and sees that nothing was left to do. */
  async settled(): Promise<void> {
    const before = await this.state();
    await this.sync();
    assert.deepEqual(await this.state(), before);
  }
}

/** Subjects of a folder of the office, sorted as text. */
export async function subjectsAt(office: TrialOffice, mailbox: string, criteria = 'ALL'): Promise<string[]> {
  return (await contentsAt(office, mailbox, criteria)).map(subjectOf).sort();
}

/** Whole messages of a folder of the office, in order. */
export async function contentsAt(office: TrialOffice, mailbox: string, criteria = 'ALL'): Promise<string[]> {
  const [phone] = office.devices('anna', ['phone']);
  return phone.imap(async (session) => {
    await session.command(`EXAMINE "${mailbox}"`);
    const contents: string[] = [];
    for (const uid of await session.uids(criteria)) contents.push(await session.content(uid));
    return contents;
  });
}
