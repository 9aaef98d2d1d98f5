import { Command } from 'commander';
import { loadConfig } from '../config/load.ts';
import { formatSize } from '../config/units.ts';
import { Refused } from '../errors.ts';
import type { CheckedPerson, CheckReport } from '../ldap/check.ts';
import type { LdapState } from '../ldap/ldap.ts';
import type { RefreshReport } from '../ldap/synchroniser.ts';
import { adoptPeople, checkLdap, refreshLdap, releasePeople } from '../server/admin/ldap.ts';
import { confirm } from './confirm.ts';
import { type CommonOptions, officeCommand } from './options.ts';
import { counted, EXIT, print } from './output.ts';
import { perform } from './perform.ts';

export function ldapCommand(): Command {
  return new Command('ldap')
    .description('people who live in an LDAP directory or an Active Directory')
    .addCommand(check())
    .addCommand(refresh())
    .addCommand(adopt())
    .addCommand(release());
}

function check(): Command {
  return officeCommand(
    'check',
    'look whether the settings of LDAP are right, and what somebody would be here; changes nothing',
    'rainmail ldap check anna@example.org\n  rainmail ldap check --config rainmail.toml',
  )
    .argument('[address]')
    .option('--config <file>', 'settings to check that no server uses yet')
    .action(async (address: string | undefined, options: CommonOptions & { config?: string }) => {
      const name = address ?? null;
      const report =
        options.config === undefined
          ? await perform(checkLdap, { address: name }, options)
          : await checkFile(options.config, name);
      print(report, options, () => checkText(report, name));
      if (!report.good) process.exitCode = EXIT.failed;
    });
}

/** Asks LDAP from here. */
async function checkFile(file: string, name: string | null): Promise<CheckReport> {
  const config = loadConfig(file);
  const { checkLdap: look } = await import('../ldap/check.ts');
  const { ldapSettings } = await import('../ldap/settings.ts');
  const settings = ldapSettings(config.ldap);
  if (settings === null) throw new Refused('ldap.off', `${file} has no ldap.urls: nobody lives in LDAP.`);
  return look(settings, name, null);
}

function refresh(): Command {
  return officeCommand('refresh', 'read LDAP now, and take over what changed', 'rainmail ldap refresh')
    .option('--suspend-many', 'however many people are to be suspended by it', false)
    .action(async (options: CommonOptions & { suspendMany: boolean }) => {
      const report = await perform(refreshLdap, { suspendMany: options.suspendMany }, options);
      print(report, options, () => refreshText(report));
    });
}

function adopt(): Command {
  return officeCommand(
    'adopt',
    'let accounts made here belong to the people in LDAP who have their addresses; their mail stays, their password here is void',
    'rainmail ldap adopt anna@example.org',
  )
    .argument('[addresses...]')
    .option('--all', 'every account whose address somebody has in LDAP')
    .option('--yes', 'do not ask')
    .action(async (names: string[], options: CommonOptions & { all?: boolean; yes?: boolean }) => {
      const addresses = chosen(names, options);
      const who = addresses?.join(', ') ?? 'All accounts that are in LDAP, too,';
      await confirm(`${who} sign in with the password of LDAP from now on?`, options);
      const adopted = await perform(adoptPeople, { addresses }, options);
      print(adopted, options, () => `${counted(adopted.addresses.length, 'account')} live in LDAP now.`);
    });
}

function release(): Command {
  return officeCommand(
    'release',
    'let people who live in LDAP live here from now on; they need a password then',
    'rainmail ldap release anna@example.org',
  )
    .argument('[addresses...]')
    .option('--all', 'everybody who lives in LDAP')
    .option('--yes', 'do not ask')
    .action(async (names: string[], options: CommonOptions & { all?: boolean; yes?: boolean }) => {
      const addresses = chosen(names, options);
      const who = addresses?.join(', ') ?? 'Everybody who lives in LDAP';
      await confirm(`${who}: signing in is over until a password is set here?`, options);
      const released = await perform(releasePeople, { addresses }, options);
      print(
        released,
        options,
        () =>
          `${counted(released.addresses.length, 'account')} live here now. Set a password: rainmail account password ${released.addresses[0] ?? ''}`,
      );
    });
}

function chosen(names: readonly string[], { all = false }: { readonly all?: boolean }): string[] | null {
  if (all === names.length > 0) throw new Refused('directory.invalid', 'Name the accounts, or say --all.');
  return all ? null : [...names];
}

/** One line of what LDAP does, for `rainmail status`. */
export function ldapStateText({ place, up, trouble, refreshed, failure }: LdapState): string {
  const read =
    refreshed === null
      ? 'not read yet'
      : `read at ${new Date(refreshed.at * 1_000).toISOString()}: ${people(refreshed.people)}, ${counted(refreshed.groups, 'group')}`;
  const state = up ? 'answers' : `does not answer: ${trouble}`;
  return [`${place} ${state}; ${read}.`, ...(failure === null ? [] : [`  The last refresh failed: ${failure}`])].join(
    '\n',
  );
}

function refreshText({ added, updated, suspended, problems, problemCount, ...report }: RefreshReport): string {
  return [
    `${people(report.people)} and ${counted(report.groups, 'group')} live in LDAP: ${added} added, ${updated} changed, ${suspended} suspended.`,
    ...(problemCount === 0 ? [] : [`${counted(problemCount, 'thing')} could not be taken over:`]),
    ...problems.map((problem) => `  ${problem}`),
  ].join('\n');
}

function checkText({ servers, trouble, found, person }: CheckReport, name: string | null): string {
  const lines = servers.map(({ url, trouble: own }) => `${url}: ${own === null ? 'works' : own}`);
  if (found === null) return [...lines, `People could not be read: ${trouble}`].join('\n');
  lines.push(`${people(found.people)} (${found.disabled} disabled) and ${counted(found.groups, 'group')}.`);
  if (found.referrals > 0)
    lines.push(`${counted(found.referrals, 'referral')} to other servers, which are not followed.`);
  lines.push(...found.problems.map((problem) => `  ${problem}`));
  if (found.madeHere.length > 0) {
    lines.push(
      `These have accounts that are not theirs until they are adopted (rainmail ldap adopt): ${found.madeHere.join(', ')}`,
    );
  }
  if (name !== null) lines.push(person === null ? `${name}: nobody there has this address.` : personText(person));
  return lines.join('\n');
}

function personText({ dn, addresses, aliases, displayName, quotaBytes, groups, active }: CheckedPerson): string {
  const [address, ...others] = addresses;
  return [
    `${address} would be:`,
    `  Entry:    ${dn}`,
    `  Name:     ${displayName || 'none'}`,
    `  Aliases:  ${[...others, ...aliases].join(', ') || 'none'}`,
    `  Groups:   ${groups.join(', ') || 'none'}`,
    ...(quotaBytes === null ? [] : [`  Quota:    ${formatSize(quotaBytes)}`]),
    `  Sign-in:  ${active ? 'allowed' : 'disabled there'}`,
  ].join('\n');
}

function people(count: number): string {
  return count === 1 ? '1 person' : `${count} people`;
}
