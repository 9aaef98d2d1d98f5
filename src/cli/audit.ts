import { Command, InvalidArgumentError } from 'commander';
import { parseDuration } from '../config/units.ts';
import { listAudit, MOST_ENTRIES } from '../server/admin/audit.ts';
import { type CommonOptions, numberBetween, officeCommand } from './options.ts';
import { print, table } from './output.ts';
import { perform } from './perform.ts';

interface AuditOptions extends CommonOptions {
  readonly about?: string;
  readonly by?: string;
  readonly since?: number;
  readonly most: number;
}

export function auditCommand(): Command {
  return new Command('audit').description('who changed what, when').addCommand(
    officeCommand('list', 'list changes, the newest last', 'rainmail audit list --about anna@example.org --since 7d')
      .option('--about <name>', 'only those of an address, a domain or a group')
      .option('--by <who>', 'only those by somebody: part of the name')
      .option('--since <when>', 'only since a date (2026-11-23) or for a time (36h, 7d)', moment)
      .option('--most <count>', 'how many at most', numberBetween(1, MOST_ENTRIES), 1_000)
      .action(async (options: AuditOptions) => {
        const { about, by, since, most } = options;
        const filter = { most, ...(about && { about }), ...(by && { by }), ...(since !== undefined && { since }) };
        const entries = await perform(listAudit, filter, options);
        print(entries, options, () =>
          table(
            ['WHEN', 'WHO', 'WHAT', 'ABOUT', 'DETAIL'],
            entries.map(({ at, actor, action, subject, detail }) => [
              new Date(at * 1_000).toISOString().replace('.000', ''),
              actor,
              action,
              subject,
              told(detail),
            ]),
            'Nothing was changed.',
          ),
        );
      }),
  );
}

function told(detail: Readonly<Record<string, unknown>>): string {
  return Object.entries(detail)
    .map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ');
}

/** Seconds since 1970. */
function moment(text: string): number {
  const ago = parseDuration(text);
  const at = ago === undefined ? Date.parse(text) : Date.now() - ago;
  if (Number.isNaN(at)) throw new InvalidArgumentError('Write it like 2026-11-23, 2026-11-23T08:00, 36h or 7d.');
  return Math.max(0, Math.floor(at / 1_000));
}
