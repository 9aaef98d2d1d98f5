import { Command } from 'commander';
import { formatSize } from '../config/units.ts';
import type { SubjectScope } from '../directory/types.ts';
import { explainQuota, setQuota, showQuotas, unsetQuota } from '../server/admin/quotas.ts';
import { type CommonOptions, officeCommand, quotaSize } from './options.ts';
import { print, table } from './output.ts';
import { perform } from './perform.ts';
import { beginningWith, perScope, whom } from './subjects.ts';

export function quotaCommand(): Command {
  return new Command('quota')
    .description(
      'how much mail may be kept: the nearest counts, of an account, its groups (the largest), its domain, everyone',
    )
    .addCommand(perScope('set', 'set how much mail may be kept', set))
    .addCommand(perScope('unset', 'take a quota back, so that the next one counts', unset))
    .addCommand(show())
    .addCommand(explain());
}

function set(scope: SubjectScope, argument: string | undefined, example: string): Command {
  const command = officeCommand(scope, `what ${whom(scope)} may keep`, `rainmail quota set ${scope}${example} 5GB`);
  if (argument !== undefined) command.argument(argument);
  return command.argument('<size>', 'such as 5GB, or unlimited').action(async (...given: unknown[]) => {
    const [name, size] = argument === undefined ? ['', given[0] as string] : (given as [string, string]);
    const options = command.opts<CommonOptions>();
    const rule = await perform(setQuota, { scope, name, bytes: quotaSize(size) }, options);
    print(rule, options, () => `${beginningWith(rule)} may keep ${amount(rule.bytes)}.`);
  });
}

function unset(scope: SubjectScope, argument: string | undefined, example: string): Command {
  const command = officeCommand(
    scope,
    `take back the quota of ${whom(scope)}`,
    `rainmail quota unset ${scope}${example}`,
  );
  if (argument !== undefined) command.argument(argument);
  return command.action(async (...given: unknown[]) => {
    const name = argument === undefined ? '' : (given[0] as string);
    const options = command.opts<CommonOptions>();
    const rule = await perform(unsetQuota, { scope, name }, options);
    print(rule, options, () => `No quota is set for ${whom(scope)}${name === '' ? '' : ` ${name}`} any more.`);
  });
}

function show(): Command {
  return officeCommand('show', 'list every quota that is set', 'rainmail quota show').action(
    async (options: CommonOptions) => {
      const rules = await perform(showQuotas, {}, options);
      print(rules, options, () =>
        table(
          ['FOR', 'NAME', 'QUOTA'],
          rules.map(({ scope, name, bytes }) => [scope, name, amount(bytes)]),
          'No quotas yet: rainmail quota set everyone 5GB',
        ),
      );
    },
  );
}

function explain(): Command {
  return officeCommand('explain', 'say what an account may keep, and why', 'rainmail quota explain anna@example.org')
    .argument('<account>')
    .action(async (account: string, options: CommonOptions) => {
      const decision = await perform(explainQuota, { account }, options);
      print(decision, options, () =>
        [
          `${account} may keep ${amount(decision.quotaBytes)}.`,
          ...(decision.rules.length === 0 ? ['No quota is set for it: rainmail quota set everyone 5GB'] : []),
          ...decision.rules.map(
            (rule, at) => `  ${beginningWith(rule)}: ${amount(rule.bytes)}${at === 0 ? ', which counts' : ''}`,
          ),
        ].join('\n'),
      );
    });
}

function amount(bytes: number | null): string {
  return bytes === null ? 'as much as they like' : formatSize(bytes);
}
