/** Completion, typed into real shells; and what its scripts are made from. */
import assert from 'node:assert/strict';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { perform } from '../../src/cli/perform.ts';
import { addAccount } from '../../src/server/admin/accounts.ts';
import { addDomain } from '../../src/server/admin/domains.ts';
import { rainmailProcess } from '../helpers/command-line.ts';
import { emptyFolder } from '../helpers/folder.ts';
import { output, rainmail, trialOffice } from '../helpers/office.ts';
import { ENVIRONMENT, MAIN } from '../helpers/server-process.ts';
import { needsTool } from '../helpers/tools.ts';

const TYPING = fileURLToPath(new URL('completing.py', import.meta.url));

/** What is typed, and the command that it becomes. */
const TYPED: readonly (readonly [typed: string, runs: string])[] = [
  ['rainmail acc<Tab>', 'account'],
  ['rainmail account susp<Tab> ann<Tab>', 'account suspend anna@office.test'],
  ['rainmail account suspend anton@<Tab>', 'account suspend anton@office.test'],
  ['rainmail account suspend anton@of<Tab>', 'account suspend anton@office.test'],
  ['rainmail account list --dom<Tab>shop<Tab>', 'account list --domain shop.test'],
  [
    'rainmail alias add sales@shop.test anna@office.test ant<Tab>',
    'alias add sales@shop.test anna@office.test anton@office.test',
  ],
  ['rainmail policy set everyone pop3=of<Tab>', 'policy set everyone pop3=off'],
  ['rainmail policy unset everyone submission.fi<Tab>', 'policy unset everyone submission.fileSent'],
  ['rainmail account suspend nobo<Tab>', 'account suspend nobo'],
  ['rainmail completion z<Tab>', 'completion zsh'],
  ['rainmail import anna@office.test --fr<Tab>old-ma<Tab>', 'import anna@office.test --from old-mail.mbox'],
  ['rainmail --data elsewhere account suspend an<Tab>', '--data elsewhere account suspend an'],
  ['rainmail account suspend --data elsewhere an<Tab>', 'account suspend --data elsewhere an'],
];

for (const shell of ['bash', 'zsh'] as const) {
  test(`${shell} completes commands, options, files, and the names of a running office`, async (t) => {
    const [program, python] = [needsTool(t, shell), needsTool(t, 'python3')];
    if (program === undefined || python === undefined) return;
    const office = await trialOffice(t, { people: ['anna', 'anton'] });
    await perform(addDomain, { name: 'shop.test' }, office);
    const folder = await emptyFolder(t);
    const script = await rainmail(['completion', shell]);
    await writeFile(join(folder, 'completion'), script.stdout);
    await writeFile(join(folder, 'old-mail.mbox'), '');
    // As installed: on the path. What the person runs is only shown.
    await mkdir(join(folder, 'bin'));
    await writeFile(join(folder, 'bin/rainmail'), `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`);
    await chmod(join(folder, 'bin/rainmail'), 0o755);
    const shown = `rainmail() { if [ "$1" = __complete ]; then command rainmail "$@"; else printf '%s%s%s\\n' RUN: "$*" :END; fi; }`;
    const init = shell === 'zsh' ? 'autoload -Uz compinit; compinit -u -D\n' : '';
    await writeFile(join(folder, 'setup'), `${init}. ./completion\n${shown}\n`);

    const typed = TYPED.map(([line]) => line);
    const runs = await output(python, [TYPING, program, './setup', ...typed], {
      cwd: folder,
      env: {
        ...ENVIRONMENT,
        PATH: `${join(folder, 'bin')}${delimiter}${process.env['PATH']}`,
        RAINMAIL_DATA: office.data,
        TERM: 'dumb',
        HOME: folder,
      },
    });
    assert.deepEqual(
      runs
        .trimEnd()
        .split('\n')
        .map((line) => line.trim()),
      TYPED.map(([, command]) => command),
    );
  });
}

test('names are told quickly and quietly, and nothing where there is no office', async (t) => {
  const data = join(await emptyFolder(t), 'data');
  const complete = (...args: string[]) => rainmailProcess(['__complete', ...args]);
  assert.deepEqual(await complete('account', '', '--data', data), { code: 0, stdout: '', stderr: '' });
  for (const address of ['anna@office.test', 'ben@office.test', '100%_@office.test']) {
    await perform(addAccount, { address, password: 'green apples', name: '', quotaBytes: null }, { data });
  }
  assert.equal(
    (await complete('account', '', '--data', data)).stdout,
    '100%_@office.test\nanna@office.test\nben@office.test\n',
  );
  assert.equal((await complete('account', 'b', '--data', data)).stdout, 'ben@office.test\n');
  assert.equal((await complete('account', '%', '--data', data)).stdout, '');
  assert.equal((await complete('domain', '', '--data', data)).stdout, 'office.test\n');
  for (const nonsense of [['secrets'], [], ['account', '--nonsense'], ['group', '', '--data', data]]) {
    assert.deepEqual(await complete(...nonsense), { code: 0, stdout: '', stderr: '' });
  }
});
