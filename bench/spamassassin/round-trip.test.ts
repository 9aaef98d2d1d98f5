/**
 * `npm run bench:spamassassin`: every message of the SpamAssassin public corpus goes in over SMTP on 16 connections, and comes
 * back byte for byte over IMAP and POP3, with an envelope and a structure that a client can read.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ImapFlow } from 'imapflow';
import { perform } from '../../src/cli/perform.ts';
import { verify } from '../../src/server/admin/verify.ts';
import { withoutTrace } from '../../test/clients/odd-messages.ts';
import { LineClient } from '../../test/helpers/line-client.ts';
import { dotStuffed, PASSWORD, type TrialOffice, trialOffice } from '../../test/helpers/office.ts';
import { type CorpusMessage, spamAssassinCorpus } from './corpus.ts';

const CONNECTIONS = 16;

test('the SpamAssassin corpus comes back byte for byte', async (t) => {
  const corpus = spamAssassinCorpus();
  assert.ok(corpus.length > 6000, `the corpus has only ${corpus.length} messages`);
  const office = await trialOffice(t);
  const changed = (what: 'line ends' | 'NUL') => corpus.filter(({ changes }) => changes.has(what)).length;
  report(
    t,
    corpus,
    `in the corpus; line ends were changed in ${changed('line ends')}, NUL dropped from ${changed('NUL')}`,
  );

  const refused = await sendAll(office, corpus);
  report(t, corpus, `sent over SMTP on ${CONNECTIONS} connections, ${refused.length} refused`);
  assert.deepEqual(refused, []);

  const byImap = await fetchAll(office);
  assert.deepEqual(differences(corpus, byImap), []);
  report(t, byImap, 'came back over IMAP byte for byte, with ENVELOPE and BODYSTRUCTURE');

  const [laptop] = office.devices('anna', ['laptop']);
  const byPop3 = await laptop.pop3((session) => session.all());
  assert.deepEqual(differences(corpus, byPop3), []);
  report(t, byPop3, 'came back over POP3 byte for byte');

  const { findings, messages } = await perform(verify, {}, office);
  assert.deepEqual([findings, messages], [[], corpus.length]);
});

/** Sends every message to anna. @returns those that were refused, with the reply */
async function sendAll(office: TrialOffice, corpus: readonly CorpusMessage[]): Promise<string[]> {
  const refused: string[] = [];
  const queue = corpus.values();
  const connection = async () => {
    const client = await LineClient.connect(office.port('smtp'));
    await client.reply('220');
    await client.ask('EHLO loader.example.org', '250');
    for (const { name, content } of queue) {
      await client.ask('MAIL FROM:<loader@example.org>', '250');
      await client.ask('RCPT TO:<anna@office.test>', '250');
      await client.ask('DATA', '354');
      client.send(dotStuffed(content));
      const [reply] = await client.reply('');
      if (!reply!.startsWith('250')) refused.push(`${name}: ${reply}`);
    }
    await client.ask('QUIT', '221');
    client.close();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, connection));
  return refused;
}

/** All messages of anna, read by a client that fails when it can't understand an envelope or a structure. */
async function fetchAll(office: TrialOffice): Promise<string[]> {
  const imap = new ImapFlow({
    host: 'localhost',
    port: office.port('imap'),
    doSTARTTLS: false,
    auth: { user: office.address('anna'), pass: PASSWORD },
    logger: false,
  });
  await imap.connect();
  try {
    await imap.mailboxOpen('INBOX');
    const query = { source: true, size: true, envelope: true, bodyStructure: true } as const;
    const contents: string[] = [];
    for await (const { source, size, envelope, bodyStructure } of imap.fetch('1:*', query)) {
      assert.equal(source!.length, size);
      assert.ok(envelope !== undefined && bodyStructure?.type !== undefined);
      contents.push(source!.toString('latin1'));
    }
    return contents;
  } finally {
    await imap.logout();
  }
}

/** Names of messages that did not come back, and beginnings of what came back and was never sent, or twice. */
function differences(corpus: readonly CorpusMessage[], received: readonly string[]): string[] {
  const expected = Map.groupBy(corpus, ({ content }) => content);
  const strange: string[] = [];
  for (const content of received.map(withoutTrace)) {
    if (expected.get(content)?.pop() === undefined) strange.push(`not sent: ${JSON.stringify(content.slice(0, 200))}`);
  }
  const lost = [...expected.values()].flat().map(({ name }) => `lost: ${name}`);
  return [...lost, ...strange];
}

function report(t: TestContext, messages: readonly unknown[], what: string): void {
  t.diagnostic(`${messages.length} messages ${what}`);
}
