/**
 * The trial office: what the first start makes when there is neither a configuration nor an office. It takes only domains that are
 * reserved for trying out and listens on loopback only, so that nothing of it is ever part of the world's mail.
 *
 * The file for curl is written last: while it is missing, everybody's password is set anew at the next start.
 */
import { existsSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Refused } from '../errors.ts';
import { generatePassword } from './generated-password.ts';
import type { Office } from './office.ts';

const TRIAL_DOMAIN = 'office.test';
const PEOPLE = [
  ['anna', 'Anna Lee'],
  ['ben', 'Ben Okafor'],
  ['carla', 'Carla Rossi'],
  ['dora', 'Dora Novak'],
] as const;

export interface TrialPerson {
  readonly address: string;
  readonly password: string;
}

/** The passwords of the trial office, in the format of curl's --netrc-file. */
function netrcPath(data: string): string {
  return join(data, 'trial.netrc');
}

function passwordsPath(data: string): string {
  return join(data, 'trial-passwords.txt');
}

/**
 * Makes the trial office, or completes one whose making was interrupted.
 * @param showPasswords  false: nobody sees the terminal, so they are written to a file that only its owner can read
 * @returns the people with the passwords they were made with
 */
export async function makeTrialOffice(office: Office, showPasswords: boolean): Promise<readonly TrialPerson[]> {
  const { directory, data } = office;
  const isMade = directory.trial && existsSync(netrcPath(data));
  const people = isMade ? await readNetrc(netrcPath(data)) : await makePeople(office);
  if (!showPasswords) {
    const lines = people.map(({ address, password }) => `${address} ${password}\n`);
    await writeSecret(passwordsPath(data), lines);
  }
  if (!isMade) {
    const lines = people.map(({ address, password }) => `machine 127.0.0.1 login ${address} password ${password}\n`);
    await writeSecret(netrcPath(data), lines);
  }
  return people;
}

/** Everybody with a new password. */
async function makePeople({ directory }: Office): Promise<TrialPerson[]> {
  const changes = directory.by('the trial office');
  if (!directory.trial) await changes.startTrial();
  const people: TrialPerson[] = [];
  for (const [name, displayName] of PEOPLE) {
    const person = { address: `${name}@${TRIAL_DOMAIN}`, password: generatePassword() };
    try {
      await changes.accounts.add({ ...person, displayName, makeDomain: true });
    } catch (error) {
      if (!(error instanceof Refused) || error.code !== 'directory.exists') throw error;
      await changes.accounts.setPassword(person.address, person.password);
    }
    people.push(person);
  }
  return people;
}

async function readNetrc(file: string): Promise<TrialPerson[]> {
  const lines = (await readFile(file, 'utf8')).matchAll(/ login (\S+) password (\S+)$/gm);
  return Array.from(lines, ([, address, password]) => ({ address: address!, password: password! }));
}

/** Whole or not at all, and only for its owner. */
async function writeSecret(file: string, lines: readonly string[]): Promise<void> {
  await writeFile(`${file}.new`, lines.join(''), { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/** What the first start tells: the settings for a mail program, and commands that send a message and read it. */
export function trialGuide(
  office: Office,
  people: readonly TrialPerson[],
  offset: number,
  passwordsShown: boolean,
): string {
  const port = (standard: number) => String(standard + offset);
  const netrc = shellQuoted(netrcPath(office.data));
  const curl = `curl -sS --netrc-file ${netrc}`;
  const passwords = passwordsShown
    ? people.map(({ address, password }) => `  ${address.padEnd(20)} ${password}`)
    : [`  anna, ben, carla and dora@${TRIAL_DOMAIN}; their passwords are in ${passwordsPath(office.data)}`];
  return [
    `A trial office runs in ${office.data}, for this machine alone.`,
    ...(offset === 0
      ? []
      : [`Its ports are the standard ones + ${offset}: those below 1024 are for root alone on most machines.`]),
    '',
    'Accounts, with the passwords they were made with:',
    ...passwords,
    '',
    'Settings for a mail program (server 127.0.0.1, user name = address; the certificate is self-signed):',
    `  IMAP  port ${port(993)} with TLS, or ${port(143)} with STARTTLS`,
    `  POP3  port ${port(995)} with TLS, or ${port(110)} with STARTTLS`,
    `  SMTP  port ${port(465)} with TLS, or ${port(587)} with STARTTLS`,
    `  Programs that set themselves up ask https://127.0.0.1:${port(443)}/mail/config-v1.1.xml?emailaddress=anna@${TRIAL_DOMAIN}`,
    `Settings page: https://127.0.0.1:${port(443)}/`,
    '',
    'Send a message from Anna to Ben, and read it over IMAP and POP3:',
    `  printf 'From: anna@${TRIAL_DOMAIN}\\r\\nTo: ben@${TRIAL_DOMAIN}\\r\\nSubject: Lunch?\\r\\n\\r\\nAt noon?\\r\\n' | ${curl} --mail-from anna@${TRIAL_DOMAIN} --mail-rcpt ben@${TRIAL_DOMAIN} --upload-file - smtp://anna%40${TRIAL_DOMAIN}@127.0.0.1:${port(587)}`,
    `  ${curl} 'imap://ben%40${TRIAL_DOMAIN}@127.0.0.1:${port(143)}/INBOX;MAILINDEX=1'`,
    `  ${curl} 'pop3://ben%40${TRIAL_DOMAIN}@127.0.0.1:${port(110)}/1'`,
    '',
    'For a real office: rainmail serve --config rainmail.toml (see docs/rainmail.sample.toml).',
    '',
  ].join('\n');
}

function shellQuoted(text: string): string {
  return /^[\w./@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
