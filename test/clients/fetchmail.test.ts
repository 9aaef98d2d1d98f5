import { test } from 'node:test';
import { fetchAndDelete, fetchAndKeep, fetchOddMessages, withBlankLine } from './fetching.ts';
import { Fetchmail } from './fetchmail.ts';

test('fetchmail, keeping mail in the office, gets nothing twice and loses nothing', async (t) => {
  const { office, fetchmail } = (await Fetchmail.open(t)) ?? {};
  if (office !== undefined) await fetchAndKeep(office, fetchmail!);
});

test('fetchmail, taking mail out of the office, gets nothing twice and loses nothing', async (t) => {
  const { office, fetchmail } = (await Fetchmail.open(t)) ?? {};
  if (office !== undefined) await fetchAndDelete(office, fetchmail!);
});

test('fetchmail gets odd messages as they are', async (t) => {
  const { office, fetchmail } = (await Fetchmail.open(t)) ?? {};
  if (office !== undefined) await fetchOddMessages(office, fetchmail!, withBlankLine);
});
