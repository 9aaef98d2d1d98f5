import { check, fault } from '../faults.mjs';
import { Imap } from '../imap.mjs';
import { corpus } from '../messages.mjs';
import { options } from '../options.mjs';

/** @returns milliseconds of each query; null for what the server does not offer */
export async function search() {
  const client = await Imap.open();
  await client.login(options.user);
  const count = await client.select(options.mailbox);
  const ms = {};
  for (const { name, command, capability, wanted } of queries(count)) {
    if (options.queries !== '' && !options.queries.split(',').includes(name)) continue;
    if (capability !== undefined && !client.capabilities.includes(` ${capability} `)) {
      ms[name] = null;
      continue;
    }
    const begin = performance.now();
    try {
      const lines = await client.untagged(command);
      ms[name] = performance.now() - begin;
      const results = lines.filter((line) => /^\* (?:SEARCH|SORT|THREAD)\b/i.test(line));
      const found = results.join(' ').match(/\d+/g)?.length ?? 0;
      check(found === wanted, `search ${name}: ${found} results, not ${wanted}`);
    } catch (error) {
      fault(`search ${name}: ${error.message}`);
    }
  }
  await client.logout();
  return { ms };
}

function queries(count) {
  const { info } = corpus();
  const messages = info.messages.slice(0, count);
  const having = (field, word) => messages.filter((message) => message[field].toLowerCase().includes(word)).length;
  const planted = messages.filter(({ hasBodyWord }) => hasBodyWord).length;
  return [
    { name: 'ALL', command: 'UID SEARCH ALL', wanted: count },
    { name: 'FROM', command: 'UID SEARCH FROM "smith"', wanted: having('from', 'smith') },
    { name: 'SUBJECT', command: 'UID SEARCH SUBJECT "invoice"', wanted: having('subject', 'invoice') },
    { name: 'BODY', command: `UID SEARCH BODY "${info.bodyWord}"`, wanted: planted },
    { name: 'TEXT', command: `UID SEARCH TEXT "${info.subjectWord}"`, wanted: having('subject', info.subjectWord) },
    { name: 'SORT DATE', command: 'UID SORT (DATE) UTF-8 ALL', capability: 'SORT', wanted: count },
    { name: 'SORT SUBJECT', command: 'UID SORT (SUBJECT) UTF-8 ALL', capability: 'SORT', wanted: count },
    {
      name: 'THREAD REFERENCES',
      command: 'UID THREAD REFERENCES UTF-8 ALL',
      capability: 'THREAD=REFERENCES',
      wanted: count,
    },
  ];
}
