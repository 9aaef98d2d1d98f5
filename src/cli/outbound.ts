import { Command } from 'commander';
import type { HostExplained, Tried } from '../outbound/explain.ts';
import { checkWay, type WayChecked } from '../server/admin/outbound.ts';
import { type CommonOptions, officeCommand } from './options.ts';
import { EXIT, oneLine, print, table } from './output.ts';
import { perform } from './perform.ts';

export function outboundCommand(): Command {
  return new Command('outbound').description('the way that mail takes to other servers').addCommand(check());
}

function check(): Command {
  return officeCommand(
    'check',
    'where mail for a domain would go, and how it would be protected on its way; sends nothing',
    'rainmail outbound check example.org --connect',
  )
    .argument('<domain>', 'a domain, or an address in it')
    .option('--connect', 'connect to every host, up to where a message would be given', false)
    .action(async (domain: string, { connect, ...options }: CommonOptions & { connect: boolean }) => {
      const explained = await perform(checkWay, { domain, connect }, options);
      print(explained, options, wayText);
      if (!explained.ours && (explained.trouble !== null || !explained.hosts.some(isGood)))
        process.exitCode = EXIT.failed;
    });
}

/** Mail can be given to it; as far as that was tried. */
function isGood({ trouble, tries }: HostExplained): boolean {
  return trouble === null && (tries === null || tries.some((each) => each.trouble === null));
}

function wayText({ domain, ours, route, sts, hosts, trouble, temporary }: WayChecked): string {
  if (ours) return `${domain} is a domain of this office: its mail is filed here.`;
  const lines = [
    route === null
      ? `Mail for ${domain} goes to the servers that the DNS names.`
      : `Mail for ${domain} goes by a route of the configuration: ${route.host}, port ${route.port}.`,
  ];
  if (sts !== null) {
    const until = new Date(sts.expires * 1_000).toISOString().slice(0, 10);
    lines.push(`MTA-STS: ${STS[sts.mode]}, until ${until} at least; hosts: ${sts.mx.join(', ')}.`);
  } else if (route === null && trouble === null) lines.push('MTA-STS: no policy.');
  if (trouble !== null && temporary) lines.push(`Now it would wait, and be tried again: ${trouble}`);
  if (trouble !== null && !temporary) lines.push(`It would go back to its sender: ${trouble}`);
  if (hosts.length > 0) lines.push('', hostTable(hosts));
  const tries = hosts.flatMap((host) => (host.tries ?? []).map((each) => [host.name, each.address, triedText(each)]));
  if (tries.length > 0) lines.push('', table(['HOST', 'ADDRESS', 'CONNECTED'], tries, ''));
  return lines.map((line) => (line.includes('\n') ? line : oneLine(line))).join('\n');
}

const STS = { enforce: 'enforced', testing: 'on trial, mail goes as without it' } as const;

function hostTable(hosts: readonly HostExplained[]): string {
  const rows = hosts.map(({ name, addresses, signed, tlsa, protection, trouble }) => [
    name,
    addresses.join(' '),
    signed === null ? '-' : signed ? 'signed' : 'not signed',
    tlsa === null ? '-' : TLSA[tlsa],
    trouble ?? PROTECTION[protection],
  ]);
  return table(['HOST', 'ADDRESSES', 'DNSSEC', 'TLSA', 'PROTECTION'], rows, '');
}

const TLSA = { none: 'none', usable: 'names it', unusable: 'not usable', unknown: 'no answer' } as const;
const PROTECTION = {
  opportunistic: 'TLS if it can be, with any certificate',
  encrypted: 'TLS always, with any certificate',
  verified: 'TLS always, with a certificate of an authority for this host',
  dane: 'TLS always, with the certificate that the DNS names (DANE)',
  refused: 'not used',
} as const;

function triedText({ tls, cipher, trouble }: Tried): string {
  if (trouble !== null) return trouble;
  return cipher === null ? 'yes, without TLS' : `yes, ${cipher}, ${CERTIFICATE[tls ?? 'none']}`;
}

const CERTIFICATE = {
  none: 'no certificate',
  unverified: 'certificate not looked at',
  verified: 'certificate good',
  'mta-sts': 'certificate good, as MTA-STS wants it',
  dane: 'certificate as the DNS names it',
} as const;
