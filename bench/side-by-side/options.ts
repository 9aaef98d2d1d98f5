/** The options of `npm run bench` and its like. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

export interface Options {
  /** Names of benchmarks, or beginnings of names; empty: all. */
  readonly only: readonly string[];
  readonly repeat: number;
  /** Seconds of a run. */
  readonly secs: number;
  readonly quick: boolean;
  readonly dovecot: boolean;
  readonly json: boolean;
  readonly scratch: string;
  /** Messages in the large mailbox. */
  readonly messages: number;
  /** Idle connections: to Rainmail, and to Dovecot, whose sessions are processes. */
  readonly idle: { readonly rainmail: number; readonly dovecot: number };
  /** As the person gave them. */
  readonly command: string;
}

const help = (command: string) => `${command} -- [options]

Measures Rainmail, side by side with Dovecot where that is installed (Debian: dovecot-core dovecot-imapd dovecot-pop3d
dovecot-lmtpd; it needs root). See docs/benchmarks.md.

  --only NAMES     only these benchmarks: names or beginnings of names, with commas (lmtp-16,fetch)
  --repeat N       runs of each benchmark (3)
  --secs N         seconds of a run (6)
  --quick          one short run of each with a small mailbox: does it work? Its figures mean little
  --no-dovecot     only Rainmail
  --json           print the results as JSON
  --scratch DIR    folder for corpus, mail and results (.bench); should be on the disk that is to be measured
  --list           the names of the benchmarks
`;

/** @throws Error for what can't be understood; ends the process for --help */
export function parseOptions(names: readonly string[], command: string): Options {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', default: '' },
      repeat: { type: 'string' },
      secs: { type: 'string' },
      quick: { type: 'boolean', default: false },
      'no-dovecot': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      scratch: { type: 'string', default: '.bench' },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help || values.list) {
    process.stdout.write(values.help ? help(command) : `${names.join('\n')}\n`);
    process.exit(0);
  }
  const { quick } = values;
  const only = values.only.split(',').filter((name) => name !== '');
  const unknown = only.find((wanted) => !names.some((name) => name.startsWith(wanted)));
  if (unknown !== undefined) throw new Error(`no benchmark begins with ${unknown}: see --list`);
  const given = process.argv.slice(2).join(' ');
  return {
    only,
    repeat: positive('repeat', values.repeat ?? (quick ? '1' : '3')),
    secs: positive('secs', values.secs ?? (quick ? '1' : '6')),
    quick,
    dovecot: !values['no-dovecot'],
    json: values.json,
    scratch: resolve(values.scratch),
    messages: quick ? 1_000 : 10_000,
    idle: quick ? { rainmail: 500, dovecot: 100 } : { rainmail: 5_000, dovecot: 1_000 },
    command: given === '' ? command : `${command} -- ${given}`,
  };
}

function positive(name: string, text: string): number {
  const number = Number(text);
  if (!(number > 0) || !Number.isInteger(number)) throw new Error(`--${name}: not a whole number above 0: ${text}`);
  return number;
}
