import { Command } from 'commander';
import { type KeySeen, type KeyShown, listKeys, rotateKeys, showKeys } from '../server/admin/dkim.ts';
import { type CommonOptions, officeCommand } from './options.ts';
import { print, table } from './output.ts';
import { perform } from './perform.ts';

export function dkimCommand(): Command {
  return new Command('dkim')
    .description('the keys that mail is signed with: which there are, what the DNS says of them, and new ones')
    .addCommand(list())
    .addCommand(show())
    .addCommand(rotate());
}

function list(): Command {
  return officeCommand('list', 'list the keys of a domain, or of all', 'rainmail dkim list example.org')
    .argument('[domain]')
    .action(async (domain: string | undefined, options: CommonOptions) => {
      const keys = await perform(listKeys, { domain: domain ?? null }, options);
      print(keys, options, keyTable);
    });
}

function show(): Command {
  return officeCommand(
    'show',
    'look in the DNS for the keys of a domain; those that wait sign from now on where it shows them',
    'rainmail dkim show example.org',
  )
    .argument('<domain>')
    .action(async (domain: string, options: CommonOptions) => {
      const keys = await perform(showKeys, { domain }, options);
      print(keys, options, () => keys.map(seenText).join('\n\n'));
    });
}

function rotate(): Command {
  return officeCommand(
    'rotate',
    'make new keys for a domain, which sign once the DNS shows them',
    'rainmail dkim rotate example.org',
  )
    .argument('<domain>')
    .option('--force', 'they sign at once: for a key that somebody else has got hold of')
    .action(async (domain: string, options: CommonOptions & { readonly force?: true }) => {
      const force = options.force === true;
      const keys = await perform(rotateKeys, { domain, force }, options);
      const next = force
        ? `The new keys sign already. Put their records into the DNS now: rainmail dns records ${domain}`
        : `Put the new records into the DNS: rainmail dns records ${domain}. Leave the old ones until the list says that they may go.`;
      print(keys, options, () => `${keyTable(keys)}\n\n${next}`);
    });
}

const STATES = { waiting: 'waits for the DNS', signing: 'signs', retired: 'signs no more' } as const;

function keyTable(keys: readonly KeyShown[]): string {
  return table(
    ['DOMAIN', 'SELECTOR', 'ALGORITHM', 'STATE', 'SINCE', 'RECORD'],
    keys.map(({ domain, selector, algorithm, state, since, recordUntil }) => [
      domain,
      selector,
      algorithm,
      STATES[state],
      day(since),
      recordUntil === null ? 'needed' : `may go from ${day(recordUntil)} on`,
    ]),
    'No domains yet: rainmail domain add example.org',
  );
}

function seenText({ state, since, record, shown, fault, recordUntil }: KeySeen): string {
  const found = shown === null ? `nobody could say: ${fault}` : shown ? 'shows the key' : fault;
  const needed = recordUntil === null ? '' : `; the record may go from ${day(recordUntil)} on`;
  const gone =
    state === 'signing' && shown === false
      ? ['Put the record back: what this key signs proves nothing without it.']
      : [];
  const lines = [`${STATES[state]} since ${day(since)}${needed}`, `DNS: ${found}`, ...gone, `TXT ${record.text}`];
  return [record.name, ...lines].join('\n  ');
}

function day(iso: string): string {
  return iso.slice(0, 10);
}
