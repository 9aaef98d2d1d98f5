import { Command } from 'commander';
import { showDnsRecords } from '../server/admin/dns.ts';
import { type CommonOptions, officeCommand } from './options.ts';
import { print } from './output.ts';
import { perform } from './perform.ts';

export function dnsCommand(): Command {
  return new Command('dns').description('what a domain should have in the DNS').addCommand(
    officeCommand(
      'records',
      'the records of a domain as part of a zone file: mail, and mail programs that set themselves up',
      'rainmail dns records example.org >> example.org.zone',
    )
      .argument('<domain>')
      .action(async (domain: string, options: CommonOptions) => {
        const records = await perform(showDnsRecords, { domain }, options);
        print(records, options, ({ zoneFile }) => zoneFile);
      }),
  );
}
