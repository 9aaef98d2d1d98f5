import { Command } from 'commander';
import { addDomain, listDomains, removeDomain } from '../server/admin/domains.ts';
import { type CommonOptions, officeCommand } from './options.ts';
import { print, table } from './output.ts';
import { perform } from './perform.ts';

export function domainCommand(): Command {
  return new Command('domain')
    .description('the domains whose mail this office takes')
    .addCommand(
      officeCommand('add', 'take mail for a domain', 'rainmail domain add example.org')
        .argument('<domain>')
        .action(async (name: string, options: CommonOptions) => {
          const domain = await perform(addDomain, { name }, options);
          print(domain, options, () => `Mail for ${domain.name} is taken.`);
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
      officeCommand('list', 'list the domains', 'rainmail domain list --json').action(
        async (options: CommonOptions) => {
          const domains = await perform(listDomains, {}, options);
          print(domains, options, () =>
            table(
              ['DOMAIN', 'ACCOUNTS', 'ALIASES'],
              domains.map((domain) => [domain.name, String(domain.accounts), String(domain.aliases)]),
              'No domains yet: rainmail domain add example.org',
            ),
          );
        },
      ),
    );
}
