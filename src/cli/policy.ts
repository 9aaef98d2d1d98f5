import { Command } from 'commander';
import { POLICY_SETTINGS } from '../directory/access/settings.ts';
import { SIGN_IN_PROTOCOLS } from '../directory/types.ts';
import {
  explainPolicy,
  listPolicySets,
  loadPolicy,
  type PolicyLoaded,
  type PolicySet,
  type RuleShown,
  type SettingExplained,
  setPolicy,
  showPolicy,
  unsetPolicy,
} from '../server/admin/policy.ts';
import { type CommonOptions, officeCommand } from './options.ts';
import { counted, EXIT, print, table } from './output.ts';
import { perform } from './perform.ts';
import { beginningWith, perScope, type SubjectArgument } from './subjects.ts';
import { readTextFile } from './text-file.ts';

export function policyCommand(): Command {
  return new Command('policy')
    .description(
      'who may use what, from where and with what: the nearest counts, of an account, its groups, its domain, everyone',
    )
    .addCommand(perScope('set', 'set who may use what', set))
    .addCommand(perScope('unset', 'take settings back, so that the next ones count', unset))
    .addCommand(show())
    .addCommand(explain())
    .addCommand(load());
}

const SETTINGS_HELP = `
Settings:
${POLICY_SETTINGS.map(({ name, values, about }) => `  ${name}=...\n      ${about} (${values})`).join('\n')}
`;

function set(...[scope, argument, example]: SubjectArgument): Command {
  const command = officeCommand(
    scope,
    `set who may use what, for ${whose(scope)}`,
    `rainmail policy set ${scope}${example} pop3=off`,
  );
  if (argument !== undefined) command.argument(argument);
  return command
    .argument('<assignments...>', 'such as imap=off web.networks=192.0.2.0/24')
    .addHelpText('after', SETTINGS_HELP)
    .action(async (...given: unknown[]) => {
      const [name, settings] = argument === undefined ? ['', given[0] as string[]] : (given as [string, string[]]);
      const options = command.opts<CommonOptions>();
      const rules = await perform(setPolicy, { scope, name, settings }, options);
      print(rules, options, () => `${beginningWith({ scope, name })}: ${rules.map(assignment).join(', ')}.`);
    });
}

function unset(...[scope, argument, example]: SubjectArgument): Command {
  const command = officeCommand(
    scope,
    `take settings of ${whose(scope)} back`,
    `rainmail policy unset ${scope}${example} pop3`,
  );
  if (argument !== undefined) command.argument(argument);
  return command.argument('<settings...>', 'such as imap web.networks').action(async (...given: unknown[]) => {
    const [name, settings] = argument === undefined ? ['', given[0] as string[]] : (given as [string, string[]]);
    const options = command.opts<CommonOptions>();
    const gone = await perform(unsetPolicy, { scope, name, settings }, options);
    print(
      gone,
      options,
      () => `${beginningWith({ scope, name })}: ${gone.map(({ setting }) => setting).join(', ')} not set any more.`,
    );
  });
}

function show(): Command {
  return officeCommand('show', 'show everything that is set', 'rainmail policy show --file > policy.txt')
    .option('--all', 'show what comes of it: how many people may do what')
    .option('--file', 'print it as a file for "rainmail policy load"')
    .action(async (options: CommonOptions & { all?: true; file?: true }) => {
      if (options.all === true) {
        const sets = await perform(listPolicySets, {}, options);
        print(sets, options, () => sets.map(setText).join('\n') || 'There are no accounts yet.');
        return;
      }
      const { rules, file } = await perform(showPolicy, {}, options);
      if (options.file === true) print({ file }, options, () => file.trimEnd());
      else print(rules, options, () => rulesTable(rules));
    });
}

function explain(): Command {
  return officeCommand('explain', 'say what an account may do, and why', 'rainmail policy explain anna@example.org')
    .argument('<account>')
    .action(async (account: string, options: CommonOptions) => {
      const settings = await perform(explainPolicy, { account }, options);
      print(settings, options, () =>
        table(
          ['SETTING', 'VALUE', 'SET BY', 'OVERRULED'],
          settings.map((one) => [
            one.setting,
            one.value,
            one.from === null ? 'default' : who(one.from),
            overruled(one),
          ]),
          '',
        ),
      );
    });
}

function load(): Command {
  return officeCommand(
    'load',
    'make a file the whole policy; all of it or nothing',
    'rainmail policy load policy.txt --check',
  )
    .argument('<file>', 'lines such as: group Sales imap=off pop3=on')
    .option('--check', 'only try it, and tell what is wrong')
    .action(async (file: string, options: CommonOptions & { check?: true }) => {
      const check = options.check === true;
      const text = readTextFile(file, 'UTF-8 and load it again');
      const result = await perform(loadPolicy, { text, check }, options);
      print(result, options, () => loadedText(file, result, check));
      if (result.loaded === null) process.exitCode = EXIT.failed;
    });
}

function loadedText(file: string, { mistakes, loaded }: PolicyLoaded, check: boolean): string {
  if (loaded === null) {
    return [
      `Nothing was changed: ${counted(mistakes.length, 'mistake')}.`,
      ...mistakes.map(({ line, text }) => `${file}:${line}: ${text}`),
    ].join('\n');
  }
  const { settings, set, unset } = loaded;
  const what = `${counted(settings, 'setting')}, ${set} of them new or changed; ${unset} not set any more.`;
  return check ? `Nothing is wrong with it. It would be ${what}` : `The policy is ${what}`;
}

function rulesTable(rules: readonly RuleShown[]): string {
  return table(
    ['FOR', 'NAME', 'SETTING', 'VALUE'],
    rules.map(({ scope, name, setting, value }) => [scope, name, setting, value]),
    'Nothing is set: everything is open to everybody. See what can be: rainmail policy set everyone --help',
  );
}

/** `imap on, pop3 off: 312 people`, with whatever else is not the same for all. */
function setText({ people, settings, differing, examples }: PolicySet): string {
  const services = SIGN_IN_PROTOCOLS.map((service) => `${service} ${settings[service]}`);
  const more = differing.filter((name) => !(SIGN_IN_PROTOCOLS as readonly string[]).includes(name));
  const what = [...services, ...more.map((name) => `${name}=${settings[name]}`)].join(', ');
  return `${what}: ${people === 1 ? '1 person' : `${people} people`} (${examples.join(', ')}${people > examples.length ? ', ...' : ''})`;
}

function overruled({ overruled }: SettingExplained): string {
  return overruled.map((rule) => `${who(rule)}: ${rule.value}`).join('; ');
}

function assignment({ setting, value }: RuleShown): string {
  return `${setting}=${value}`;
}

/** As it is written after `policy set`. */
function who({ scope, name }: RuleShown): string {
  return name === '' ? scope : `${scope} ${name}`;
}

function whose(scope: RuleShown['scope']): string {
  return {
    account: 'one account',
    group: 'the people of a group',
    domain: 'the people of a domain',
    everyone: 'everyone',
  }[scope];
}
