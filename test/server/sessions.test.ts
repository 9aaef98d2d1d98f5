/** Who may not sign in any more is signed out everywhere, at once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { perform } from '../../src/cli/perform.ts';
import { removeAccount, setAccountState } from '../../src/server/admin/accounts.ts';
import { ImapDevice, LineClient, Pop3Device } from '../helpers/line-client.ts';
import { PASSWORD, type TrialOffice, trialOffice } from '../helpers/office.ts';

const ANNA = 'anna@office.test';

async function submitting(office: TrialOffice, person: string): Promise<LineClient> {
  const client = await LineClient.connect(office.port('submission'));
  await client.reply('220');
  await client.ask('EHLO laptop', '250');
  const plain = Buffer.from(`\0${person}\0${PASSWORD}`).toString('base64');
  await client.ask(`AUTH PLAIN ${plain}`, '235');
  return client;
}

for (const [verb, state] of [
  ['suspended', 'suspended'],
  ['closed', 'closed'],
  ['removed', null],
] as const) {
  test(`when an account is ${verb}, its open sessions end with a word why, those of others go on`, async (t) => {
    const office = await trialOffice(t, { people: ['anna', 'ben'] });
    await office.deliver({ to: 'anna', subject: 'Keep me' });
    const idle = await ImapDevice.signIn(office.port('imap'), ANNA, PASSWORD);
    await idle.command('SELECT INBOX');
    idle.send('i1 IDLE\r\n');
    assert.match(await idle.line(), /^\+ /);
    const phone = await Pop3Device.signIn(office.port('pop3'), ANNA, PASSWORD);
    await phone.dele(1);
    const sending = await submitting(office, ANNA);
    const ben = await ImapDevice.signIn(office.port('imap'), 'ben@office.test', PASSWORD);

    if (state === null) await perform(removeAccount, { address: ANNA }, office);
    else await perform(setAccountState, { address: ANNA, state }, office);

    assert.match(await idle.rest(), new RegExp(`^\\* BYE \\[CONTACTADMIN\\] Your account was ${verb}; .*\r\n$`));
    assert.match(await phone.rest(), new RegExp(`^-ERR \\[SYS/PERM\\] Your account was ${verb}; .*\r\n$`));
    assert.match(
      await sending.rest(),
      new RegExp(`^421 4\\.7\\.0 mail\\.office\\.test Your account was ${verb}; .*\r\n$`),
    );
    await ben.command('NOOP');
    ben.close();
    await assert.rejects(ImapDevice.signIn(office.port('imap'), ANNA, PASSWORD));
    if (state === null) return;

    await perform(setAccountState, { address: ANNA, state: 'active' }, office);
    const again = await Pop3Device.signIn(office.port('pop3'), ANNA, PASSWORD);
    assert.deepEqual(await again.subjects(), ['Keep me']); // what was marked without QUIT is not deleted
    await again.quit();
  });
}

test('a session in the middle of a literal ends when its account is closed', async (t) => {
  const office = await trialOffice(t);
  const session = await ImapDevice.signIn(office.port('imap'), ANNA, PASSWORD);
  session.send('a1 APPEND INBOX {1000}\r\n');
  assert.match(await session.line(), /^\+ /);
  await perform(setAccountState, { address: ANNA, state: 'closed' }, office);
  await session.rest();
});
