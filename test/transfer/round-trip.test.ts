import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { AccountId } from '../../src/store/ids.ts';
import type { MailStore } from '../../src/store/store.ts';
import { exportAccount } from '../../src/transfer/export.ts';
import { findSources } from '../../src/transfer/find-sources.ts';
import { importSources } from '../../src/transfer/import.ts';
import { FORMATS, type Format } from '../../src/transfer/rainmail-index.ts';
import { emptyFolder } from '../helpers/folder.ts';
import fc from '../helpers/properties.ts';
import { newAccount, temporaryStore } from '../store/helpers.ts';
import { accountStory, seen, tell } from './accounts.ts';

const empty = { subscribed: false, messages: [] };
/** Its folders are called as the directories of a Maildir. */
const LIKE_A_MAILDIR = {
  folders: [
    { path: 'INBOX', ...empty },
    { path: 'new/0', ...empty },
    { path: 'cur/Clients', ...empty },
  ],
  sent: 'Sent',
  dangling: [],
};

/** Its first field is no claim on the file that it is written to: with LF, the file could end a message where it points to. */
const WITH_A_LENGTH = {
  folders: [
    {
      path: 'INBOX',
      subscribed: false,
      messages: [{ content: Buffer.from('Content-Length: 6\r\n\r\nHello.\r\n'), flags: [], received: 0, uidl: null }],
    },
  ],
  sent: 'Sent',
  dangling: [],
};

const quiet = { onProgress() {}, signal: new AbortController().signal };

function written(store: MailStore, id: AccountId, directory: string, format: Format, crlf: boolean) {
  return exportAccount(store, { id, name: `${id}@office.test` }, { directory, format, crlf, ...quiet });
}

async function brought(store: MailStore, account: AccountId, directory: string) {
  return importSources(store, account, await findSources(directory), { uidlFormat: null, again: false, ...quiet });
}

for (const format of FORMATS) {
  test(`an account comes back the same from ${format}, whatever is in it`, async (t) => {
    const store = await temporaryStore(t);
    const folder = await emptyFolder(t);
    let count = 0;
    await fc.assert(
      fc.asyncProperty(accountStory, fc.boolean(), async (story, crlf) => {
        const number = ++count;
        const [anna, ben] = [await newAccount(store, `anna${number}`), await newAccount(store, `ben${number}`)];
        await tell(store, anna, story);
        const directory = join(folder, String(number));
        const exported = await written(store, anna, directory, format, crlf);
        assert.deepEqual(exported.skipped, []);
        const imported = await brought(store, ben, directory);
        assert.deepEqual(imported.skipped, []);
        assert.equal(imported.messages, exported.messages);
        assert.equal(imported.bytes, exported.bytes);
        assert.deepEqual(await seen(store, ben), await seen(store, anna));

        // A second time there is nothing to do, either way.
        assert.equal((await written(store, anna, directory, format, crlf)).messages, 0);
        const again = await brought(store, ben, directory);
        assert.equal(again.messages, 0);
        assert.deepEqual(await seen(store, ben), await seen(store, anna));
      }),
      {
        numRuns: Number(process.env['ROUND_TRIPS'] ?? 15),
        examples: [
          [LIKE_A_MAILDIR, false],
          [WITH_A_LENGTH, false],
        ],
      },
    );
  });
}
