import { Command } from 'commander';
import { showDnsRecords } from '../server/admin/dns.ts';
import { checkDns, type ZoneChecked } from '../server/admin/dns-check.ts';
import type { Finding } from '../server/dns-check/zone.ts';
import { type CommonOptions, officeCommand } from './options.ts';
import { counted, EXIT, oneLine, print } from './output.ts';
import { perform } from './perform.ts';

export function dnsCommand(): Command {
  return new Command('dns')
    .description('what a domain should have in the DNS, and what it has')
    .addCommand(records())
    .addCommand(check());
}

function records(): Command {
  return officeCommand(
    'records',
    'the records of a domain as part of a zone file: mail, and mail programs that set themselves up',
    'rainmail dns records example.org >> example.org.zone',
  )
    .argument('<domain>')
    .action(async (domain: string, options: CommonOptions) => {
      const shown = await perform(showDnsRecords, { domain }, options);
      print(shown, options, ({ zoneFile }) => zoneFile);
    });
}

function check(): Command {
  return officeCommand(
    'check',
    'ask the DNS what a domain has: what is missing or wrong, why it matters, and the line to add',
    'rainmail dns check example.org',
  )
    .argument('<domain>')
    .action(async (domain: string, options: CommonOptions) => {
      const checked = await perform(checkDns, { domain }, options);
      print(checked, options, checkText);
      if (!checked.sound) process.exitCode = EXIT.failed;
    });
}

const WORDS = { must: 'MUST', should: 'SHOULD', nice: 'NICE' } as const;

function checkText({ domain, findings }: ZoneChecked): string {
  // One reason for all of it, such as a DNS server that does not answer, is told once.
  if (findings.every(({ state }) => state === 'unknown'))
    return `${domain}: nobody could say anything. ${oneLine(findings[0]?.text ?? '')}`;
  const wrong = findings.filter(({ state }) => state !== 'good');
  const right = findings.filter(({ state }) => state === 'good');
  const head =
    wrong.length === 0 ? `${domain}: all is well.` : `${domain}: ${counted(wrong.length, 'thing')} to look at.`;
  return [head, ...wrong.map(wrongText), ...(right.length === 0 ? [] : [right.map(rightText).join('\n')])].join('\n\n');
}

/** Names and texts come from the DNS, where strangers write. */
function wrongText({ group, about, state, text, why, lines }: Finding): string {
  const doubt = state === 'unknown' ? ' (nobody could say)' : '';
  return [
    `${WORDS[group]} ${about}${doubt}: ${oneLine(text)}`,
    ...(why === '' ? [] : [`  ${oneLine(why)}`]),
    ...lines.map((line) => `    ${oneLine(line)}`),
  ].join('\n');
}

function rightText({ about, text }: Finding): string {
  return `good ${about}: ${oneLine(text)}`;
}
