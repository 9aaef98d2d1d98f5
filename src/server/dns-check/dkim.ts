/** The records of the keys that mail is signed with (RFC 6376 3.6). */
import { recordName, recordText } from '../../signing/key.ts';
import { mayGo, type SeenKey } from '../../signing/keyring.ts';
import { type Finding, good, lineOf, quoted, unknown, wrong, type Zone, type ZoneCheck } from './zone.ts';

export const dkim: ZoneCheck = {
  about: 'DKIM',
  group: 'should',
  run: async (zone) => zone.keys.flatMap((seen) => findingOf(zone, seen)),
};

function findingOf(zone: Zone, { key, shown, fault }: SeenKey): Finding[] {
  const name = recordName(key);
  const lines = keyLines(zone, key.selector);
  if (shown === null) return [unknown('should', 'DKIM', `${name}: ${fault}`)];
  switch (key.state) {
    case 'signing':
      if (shown) return [good('should', 'DKIM', `${name} shows the ${key.algorithm} key, which signs.`)];
      return [
        wrong(
          'should',
          'DKIM',
          `${name}: ${fault}.`,
          'Mail is signed with it, and nobody can check the signature.',
          lines,
        ),
      ];
    case 'waiting':
      return [
        wrong(
          'should',
          'DKIM',
          `${name}: ${fault}.`,
          'The key waits for its record, and does not sign without it.',
          lines,
        ),
      ];
    case 'retired':
      if (mayGo(key, zone.now)) {
        const why = 'The key signs no more, and nothing that it signed is on its way any more.';
        return shown ? [wrong('nice', 'DKIM', `${name} may be removed.`, why)] : [];
      }
      if (shown) return [good('nice', 'DKIM', `${name} is still there, for mail that was signed with the old key.`)];
      return [
        wrong(
          'nice',
          'DKIM',
          `${name}: ${fault}.`,
          'Mail that was signed with the old key is still on its way.',
          lines,
        ),
      ];
  }
}

function keyLines(zone: Zone, selector: string): string[] {
  const key = zone.keys.find((seen) => seen.key.selector === selector)!.key;
  return [lineOf(zone, { name: `${selector}._domainkey`, type: 'TXT', value: quoted(recordText(key)) })];
}
