import { Command } from 'commander';
import {
  addDomain,
  listDomains,
  removeDomain,
  renameDomain,
  setCatchAll,
  setSubaddress,
} from '../server/admin/domains.ts';
import { type CommonOptions, officeCommand } from './options.ts';
import { counted, print, table } from './output.ts';
import { perform } from './perform.ts';

export function domainCommand(): Command {
  return new Command('domain')
    .description('the domains whose mail this office takes')
    .addCommand(
      officeCommand('add', 'take mail for a domain', 'rainmail domain add example.org')
        .argument('<domain>')
        .action(async (name: string, options: CommonOptions) => {
          const domain = await perform(addDomain, { name }, options);
          print(domain, options, () =>
            [`Mail for ${domain.name} is taken.`, `What its DNS needs: rainmail dns records ${domain.name}`].join('\n'),
          );
        }),
    )
    .addCommand(
      officeCommand('remove', 'stop taking mail for a domain without accounts', 'rainmail domain remove example.org')
        .argument('<domain>')
        .action(async (name: string, options: CommonOptions) => {
          const domain = await perform(removeDomain, { name }, options);
          print(domain, options, () => `Mail for ${domain.name} is no longer taken.`);
        }),
    )
    .addCommand(
      officeCommand(
        'rename',
        'give a domain another name; all its addresses move along',
        'rainmail domain rename example.org example.com --keep-old',
      )
        .argument('<domain>')
        .argument('<new-domain>')
        .option('--keep-old', 'the old name goes on to mean the same, for mail and for signing in')
        .action(async (name: string, to: string, options: CommonOptions & { keepOld?: true }) => {
          const keepOld = options.keepOld === true;
          const domain = await perform(renameDomain, { name, to, keepOld }, options);
          print(domain, options, () =>
            [
              `${name} is ${domain.name} now: ${counted(domain.accounts, 'account')} moved along.`,
              keepOld
                ? `Every address in ${name} still means the same.`
                : `Mail for ${name} is refused, and people sign in with their new addresses.`,
            ].join('\n'),
          );
        }),
    )
    .addCommand(
      officeCommand(
        'catch-all',
        'who gets what is for nobody else',
        'rainmail domain catch-all example.org office@example.org',
      )
        .argument('<domain>')
        .argument('<address>', 'an account, alias or group of this office, or none')
        .action(async (name: string, address: string, options: CommonOptions) => {
          const domain = await perform(setCatchAll, { name, address: noneAs(address, null) }, options);
          print(domain, options, () =>
            domain.catchAll === null
              ? `Mail for unknown addresses in ${domain.name} is refused.`
              : `Mail for unknown addresses in ${domain.name} goes to ${domain.catchAll}.`,
          );
        }),
    )
    .addCommand(
      officeCommand(
        'subaddress',
        'what stands between a name and its detail, as in anna+lists@example.org',
        'rainmail domain subaddress example.org +',
      )
        .argument('<domain>')
        .argument('<separator>', '+ or another of - _ = ~ #, or none')
        .action(async (name: string, separator: string, options: CommonOptions) => {
          const domain = await perform(setSubaddress, { name, separator: noneAs(separator, '') }, options);
          print(domain, options, () =>
            domain.subaddress === ''
              ? `Addresses in ${domain.name} have no details.`
              : `anna${domain.subaddress}anything@${domain.name} reaches anna@${domain.name}.`,
          );
        }),
    )
    .addCommand(
      officeCommand('list', 'list the domains', 'rainmail domain list --json').action(
        async (options: CommonOptions) => {
          const domains = await perform(listDomains, {}, options);
          print(domains, options, () =>
            table(
              ['DOMAIN', 'ACCOUNTS', 'ALIASES', 'GROUPS', 'CATCH-ALL', 'SUBADDRESS'],
              domains.map((domain) =>
                domain.anotherNameOf === null
                  ? [
                      domain.name,
                      String(domain.accounts),
                      String(domain.aliases),
                      String(domain.groups),
                      domain.catchAll ?? 'none',
                      domain.subaddress || 'none',
                    ]
                  : [`${domain.name} (another name of ${domain.anotherNameOf})`, '', '', '', '', ''],
              ),
              'No domains yet: rainmail domain add example.org',
            ),
          );
        },
      ),
    );
}

function noneAs<T>(text: string, none: T): string | T {
  return text === 'none' ? none : text;
}
