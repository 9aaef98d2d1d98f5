import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { rainmailProcess } from '../helpers/command-line.ts';
import { emptyFolder } from '../helpers/folder.ts';
import { output, rainmail, trialOffice } from '../helpers/office.ts';
import { ENVIRONMENT, MAIN } from '../helpers/server-process.ts';
import { needsTool } from '../helpers/tools.ts';

const TERMINAL = fileURLToPath(new URL('terminal.py', import.meta.url));

/** A group that takes mail from anybody, as its page has it. */
function group(name: string, address: string | null, rank: number, members: readonly string[]) {
  return { name, address, description: 'Everyone', rank, posting: 'anyone', members, elsewhere: [], named: [] };
}

/** And once its posting is set. */
function closed(name: string, address: string | null, rank: number, members: readonly string[]) {
  return { ...group(name, address, rank, members), posting: 'members', named: ['boss@partner.example'] };
}

/** A story of an administrator: commands, and what each answers with --json. */
const STORY: readonly (readonly [args: string, answer: unknown])[] = [
  ['domain add Example.org', { name: 'example.org' }],
  [
    'account add eva@example.org --password-stdin --name Eva',
    { address: 'eva@example.org', state: 'active', quotaBytes: null },
  ],
  [
    'account add finn@other.example --password-stdin',
    { address: 'finn@other.example', state: 'active', quotaBytes: null },
  ],
  ['account add eva@example.org --password-stdin', 'directory.exists'],
  ['quota set account eva@example.org 2GB', { scope: 'account', name: 'eva@example.org', bytes: 2 * 2 ** 30 }],
  ['quota unset account eva@example.org', { scope: 'account', name: 'eva@example.org' }],
  ['account suspend eva@example.org', { address: 'eva@example.org', state: 'suspended', quotaBytes: null }],
  ['account reopen eva@example.org', { address: 'eva@example.org', state: 'active', quotaBytes: null }],
  [
    'account password eva@example.org --password-stdin',
    { address: 'eva@example.org', state: 'active', quotaBytes: null },
  ],
  ['account password gil@example.org --password-stdin', 'directory.missing'],
  [
    'alias add sales@example.org eva@example.org finn@other.example',
    { address: 'sales@example.org', accounts: ['eva@example.org', 'finn@other.example'], elsewhere: [] },
  ],
  ['alias add sales@example.org nobody@example.org', 'directory.missing'],
  [
    'alias list',
    [{ address: 'sales@example.org', accounts: ['eva@example.org', 'finn@other.example'], elsewhere: [] }],
  ],
  ['group add Team --address team@example.org --description Everyone', group('Team', 'team@example.org', 100, [])],
  ['group add Shop --address sales@example.org', 'directory.exists'],
  [
    'group join Team eva@example.org finn@other.example',
    group('Team', 'team@example.org', 100, ['eva@example.org', 'finn@other.example']),
  ],
  ['group leave Team finn@other.example', group('Team', 'team@example.org', 100, ['eva@example.org'])],
  ['group rank Team 50', group('Team', 'team@example.org', 50, ['eva@example.org'])],
  ['group posting Team members boss@partner.example', closed('Team', 'team@example.org', 50, ['eva@example.org'])],
  ['group posting Team anyone people', 'directory.invalid'],
  [
    'forward set eva@example.org finn@other.example --no-keep',
    { account: 'eva@example.org', forwards: true, to: ['finn@other.example'], keeps: false },
  ],
  ['forward set finn@other.example eva@example.org', 'directory.invalid'],
  ['forward list', [{ account: 'eva@example.org', to: ['finn@other.example'], keeps: false }]],
  ['forward remove eva@example.org', { account: 'eva@example.org', forwards: false, to: [], keeps: true }],
  ['forward show eva@example.org', { account: 'eva@example.org', forwards: false, to: [], keeps: true }],
  [
    'policy set group Team POP3=off imap.networks=192.0.2.0/24',
    [
      { scope: 'group', name: 'Team', setting: 'pop3', value: 'off' },
      { scope: 'group', name: 'Team', setting: 'imap.networks', value: '192.0.2.0/24' },
    ],
  ],
  ['policy set group Team imapp=off', 'directory.invalid'],
  ['policy unset group Team imap.networks', [{ scope: 'group', name: 'Team', setting: 'imap.networks' }]],
  ['policy show --file', { file: 'group Team pop3=off\n' }],
  ['account promote eva@example.org', { address: 'eva@example.org', state: 'active', quotaBytes: null }],
  ['account suspend eva@example.org', 'policy.lock-out'],
  ['quota set group Team 1GB', { scope: 'group', name: 'Team', bytes: 2 ** 30 }],
  ['quota set everyone unlimited', { scope: 'everyone', name: '', bytes: null }],
  [
    'quota explain eva@example.org',
    {
      quotaBytes: 2 ** 30,
      rules: [
        { scope: 'group', name: 'Team', bytes: 2 ** 30 },
        { scope: 'everyone', name: '', bytes: null },
      ],
    },
  ],
  ['group rename Team Everybody', closed('Everybody', 'team@example.org', 50, ['eva@example.org'])],
  ['group address Everybody none', closed('Everybody', null, 50, ['eva@example.org'])],
  [
    'group list',
    [{ name: 'Everybody', address: null, description: 'Everyone', rank: 50, posting: 'members', members: 1 }],
  ],
  ['group remove Everybody', closed('Everybody', null, 50, ['eva@example.org'])],
  ['quota show', [{ scope: 'everyone', name: '', bytes: null }]],
  ['quota unset everyone', { scope: 'everyone', name: '' }],
  [
    'domain catch-all example.org eva@example.org',
    {
      name: 'example.org',
      anotherNameOf: null,
      catchAll: 'eva@example.org',
      subaddress: '+',
      accounts: 1,
      aliases: 1,
      groups: 0,
    },
  ],
  ['domain catch-all example.org nobody@example.org', 'directory.missing'],
  ['account rename eva@example.org eve@example.org', { address: 'eve@example.org', state: 'active', quotaBytes: null }],
  [
    'account rename eve@example.org eva@example.org --drop-old-address',
    { address: 'eva@example.org', state: 'active', quotaBytes: null },
  ],
  ['domain remove example.org', 'directory.invalid'],
  [
    'alias remove sales@example.org',
    { address: 'sales@example.org', accounts: ['eva@example.org', 'finn@other.example'], elsewhere: [] },
  ],
  ['alias remove sales@example.org', 'directory.missing'],
  ['account remove finn@other.example --yes', { address: 'finn@other.example', state: 'active', quotaBytes: null }],
  ['domain remove other.example', { name: 'other.example' }],
  [
    'account list --domain example.org',
    [
      {
        address: 'eva@example.org',
        name: 'Eva',
        state: 'active',
        administrator: true,
        quotaBytes: null,
        usedBytes: 0,
        messages: 0,
      },
    ],
  ],
];

async function tell(data: string): Promise<void> {
  for (const [args, expected] of STORY) {
    const { code, stdout, stderr } = await rainmail([...args.split(' '), '--data', data, '--json'], {
      input: 'a good password\n',
    });
    if (typeof expected === 'string') {
      assert.equal(code, 1, args);
      assert.equal(JSON.parse(stderr).error.code, expected, args);
      assert.equal(stdout, '', args);
    } else {
      assert.equal(code, 0, `${args}: ${stderr}`);
      assert.deepEqual(JSON.parse(stdout), expected, args);
    }
  }
}

test('commands work on a data directory that no server has open', async (t) => {
  await tell(join(await emptyFolder(t), 'data'));
});

test('one page tells everything about an account', async (t) => {
  const data = join(await emptyFolder(t), 'data');
  const command = async (...args: string[]) => {
    const { code, stdout, stderr } = await rainmail([...args, '--data', data], { input: 'a good password\n' });
    assert.equal(code, 0, stderr);
    return stdout;
  };
  await command('account', 'add', 'eva@example.org', '--password-stdin', '--name', 'Eva Ito', '--quota', '2GB');
  await command('alias', 'add', 'info@example.org', 'eva@example.org');
  await command('account', 'add', 'finn@example.org', '--password-stdin');
  await command('forward', 'set', 'eva@example.org', 'finn@example.org');
  await command('account', 'close', 'eva@example.org');
  const page = await command('account', 'show', 'eva@example.org');
  for (const line of [
    /^Address: +eva@example\.org$/m,
    /^Name: +Eva Ito$/m,
    /^State: +closed: nobody can sign in, mail is refused$/m,
    /^Aliases: +info@example\.org$/m,
    /^Groups: +none$/m,
    /^Forwards: +to finn@example\.org; a copy stays$/m,
    /^Mail: +0 messages, 0 bytes$/m,
    /^Quota: +2\.0 GB \(set for account eva@example\.org\)$/m,
    /^Deleted: +0 messages, /m,
    /^Legal hold: +no$/m,
    /^Sign-in: +password, set \d{4}-\d\d-\d\d \d\d:\d\d, not used yet$/m,
  ]) {
    assert.match(page, line);
  }
  const audit = await command('audit', 'list', '--about', 'eva@example.org', '--since', '1h');
  assert.match(audit, / on the command line +account\.add +eva@example\.org +name: Eva Ito/);
  assert.match(audit, / alias\.add +info@example\.org /);
  assert.match(audit, / account\.close +eva@example\.org +before: active$/m);
  assert.equal(await command('audit', 'list', '--since', '2100-01-01'), 'Nothing was changed.\n');
});

test('the same commands have the same results while the server runs', async (t) => {
  const office = await trialOffice(t);
  await tell(office.data);
  const { stdout } = await rainmail(['status', '--data', office.data]);
  assert.match(stdout, new RegExp(`The server runs \\(process ${office.pid},`));
});

test('a change by command counts at once in the running server', async (t) => {
  const office = await trialOffice(t, { people: ['anna'] });
  const [phone] = office.devices('anna', ['phone']);
  await phone.imap(async () => {});
  await office.command('account', 'suspend', 'anna@office.test');
  await assert.rejects(
    phone.imap(async () => {}),
    /AUTHENTICATIONFAILED/,
  );
  await office.command('account', 'reopen', 'anna@office.test');
  await phone.imap(async () => {});
});

test('a made-up password is shown once and works', async (t) => {
  const data = join(await emptyFolder(t), 'data');
  const { stdout } = await rainmail(['account', 'add', 'eva@example.org', '--generate', '--data', data, '--json']);
  assert.match(JSON.parse(stdout).password, /^([a-z2-9]{4}-){3}[a-z2-9]{4}$/);
  const again = await rainmail(['account', 'password', 'eva@example.org', '--generate', '--data', data]);
  assert.match(again.stdout, /^eva@example.org has a new password. Password: \S+\n$/);
});

test('a password is asked for twice on a terminal and never shown', async (t) => {
  const python = needsTool(t, 'python3');
  if (python === undefined) return;
  const data = join(await emptyFolder(t), 'data');
  const onTerminal = (answers: string, ...args: string[]) =>
    output(python, [TERMINAL, answers, process.execPath, MAIN, ...args, '--data', data], { env: ENVIRONMENT });

  const added = await onTerminal('green apples|green apples', 'account', 'add', 'eva@example.org');
  assert.match(added, /^Password: \(asked\)\r\nAgain: \(asked\)\r\nAdded eva@example\.org\.\r\n 0\n$/);
  const differing = await onTerminal('green apples|red apples', 'account', 'password', 'eva@example.org');
  assert.match(differing, /The two passwords differ\.[^a-z]*\(directory\.invalid\)\r\n 1\n$/);
  const stopped = await onTerminal('^C', 'account', 'password', 'eva@example.org');
  assert.match(stopped, /No password was given\.[^a-z]*\(directory\.invalid\)\r\n 1\n$/);
});

test('a password is never taken from nowhere', async (t) => {
  const data = join(await emptyFolder(t), 'data');
  const { code, stderr } = await rainmail(['account', 'add', 'eva@example.org', '--data', data]);
  assert.equal(code, 1);
  assert.match(stderr, /--password-stdin or --generate/);
});

test('a CSV file makes a whole office, and each of its mistakes is told with its line', async (t) => {
  const folder = await emptyFolder(t);
  const csv = join(folder, 'people.csv');
  await writeFile(
    csv,
    'address,password,name,group\neva@example.org,apples and pears,"Lee, Eva",sales\nnot an address,x y z w v u,,\nfinn@other.example,apples and pears\n',
  );
  const { code, stdout } = await rainmail(['account', 'import', csv, '--data', join(folder, 'data')]);
  assert.equal(code, 1);
  assert.match(stdout, /^Added 2 accounts\.\n/);
  assert.match(stdout, /people\.csv:3: not an address: /);
  const list = await rainmail(['account', 'list', '--data', join(folder, 'data')]);
  assert.match(list.stdout, /^eva@example\.org +Lee, Eva +active/m);
  const domains = await rainmail(['domain', 'list', '--data', join(folder, 'data')]);
  assert.match(domains.stdout, /^other\.example +1 +0 +0 +none +\+$/m);
});

test('exit codes: 0 done, 1 refused, 2 not understood', async (t) => {
  const folder = await emptyFolder(t);
  const code = async (...args: string[]) => (await rainmail([...args])).code;
  const ofProcess = async (...args: string[]) => (await rainmailProcess(args, { cwd: folder })).code;
  assert.equal(await ofProcess('--help'), 0);
  assert.equal(await code('account', 'add', '--help'), 0);
  assert.equal(await code('--version'), 0);
  assert.equal(await ofProcess('account', 'list'), 1);
  assert.equal(await ofProcess('acount', 'list'), 2);
  assert.equal(await code('account', 'list', '--colour'), 2);
  assert.equal(await code('account', 'add'), 2);
  assert.equal(await code('account', 'remove', 'eva@example.org'), 2);
  assert.equal(await code('serve', '--port-offset', 'many'), 2);
});

test('a command without an office says which directory it looked in', async (t) => {
  const data = join(await emptyFolder(t), 'data');
  const { code, stderr } = await rainmail(['account', 'list', '--data', data]);
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`There is no office in ${data}\\..*\n *\\(directory\\.missing\\)`));
});

test('a folder with other things in it is not made an office', async (t) => {
  const folder = await emptyFolder(t);
  await writeFile(join(folder, 'holiday.jpg'), '');
  const { code, stderr } = await rainmail(['domain', 'add', 'example.org', '--data', folder]);
  assert.equal(code, 1);
  assert.match(stderr, /holds other things \(holiday\.jpg\)/);
});

test('commands find the server also when the path of the data directory is very long', async (t) => {
  const office = await trialOffice(t, { below: join('a'.repeat(60), 'b'.repeat(60)) });
  const { server } = (await office.command('status')) as { server: { pid: number } };
  assert.equal(server.pid, office.pid);
});
