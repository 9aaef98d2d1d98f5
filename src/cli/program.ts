/** The command line: what there is, its options and its exit codes. Each command is a file of its own beside this one. */
import { Command, CommanderError } from 'commander';
import { version } from '../server/version.ts';
import { EXIT, printError } from './output.ts';

/**
 * What there is, in the order of the help. Only the command that is asked for is loaded: all of them would be a third of what a server loads, and
 * most of the time that a short command takes.
 */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import('./serve.ts')).serveCommand(),
  domain: async () => (await import('./domain.ts')).domainCommand(),
  dns: async () => (await import('./dns.ts')).dnsCommand(),
  dkim: async () => (await import('./dkim.ts')).dkimCommand(),
  account: async () => (await import('./account.ts')).accountCommand(),
  'app-password': async () => (await import('./app-password.ts')).appPasswordCommand(),
  alias: async () => (await import('./alias.ts')).aliasCommand(),
  forward: async () => (await import('./forward.ts')).forwardCommand(),
  group: async () => (await import('./group.ts')).groupCommand(),
  quota: async () => (await import('./quota.ts')).quotaCommand(),
  policy: async () => (await import('./policy.ts')).policyCommand(),
  ldap: async () => (await import('./ldap.ts')).ldapCommand(),
  audit: async () => (await import('./audit.ts')).auditCommand(),
  device: async () => (await import('./device.ts')).deviceCommand(),
  sessions: async () => (await import('./sessions.ts')).sessionsCommand(),
  import: async () => (await import('./import.ts')).importCommand(),
  migrate: async () => (await import('./migrate.ts')).migrateCommand(),
  export: async () => (await import('./export.ts')).exportCommand(),
  outbound: async () => (await import('./outbound.ts')).outboundCommand(),
  queue: async () => (await import('./queue.ts')).queueCommand(),
  trace: async () => (await import('./trace.ts')).traceCommand(),
  undelete: async () => (await import('./undelete.ts')).undeleteCommand(),
  hold: async () => (await import('./hold.ts')).holdCommand(),
  backup: async () => (await import('./backup.ts')).backupCommand(),
  restore: async () => (await import('./restore.ts')).restoreCommand(),
  verify: async () => (await import('./verify.ts')).verifyCommand(),
  certificate: async () => (await import('./certificate.ts')).certificateCommand(),
  status: async () => (await import('./status.ts')).statusCommand(),
  completion: async () => (await import('./completion.ts')).completionCommand(),
};

/** These show what all the others are. */
const OF_THE_WHOLE: readonly string[] = ['completion'];
/** These are answered without any. */
const WITHOUT_COMMANDS: readonly string[] = ['--version', '-V'];

/**
 * The command line.
 * @param name  of the one command that will be used; without it, or when there is no such command, they are all there
 */
export async function program(name?: string): Promise<Command> {
  const whole = new Command('rainmail')
    .description('The mail server an office runs itself.')
    .version(version)
    .showHelpAfterError('(rainmail help shows what there is)')
    .showSuggestionAfterError();
  for (const command of await Promise.all(needed(name).map((each) => each()))) whole.addCommand(command);
  neverExit(whole);
  return whole;
}

function needed(name: string | undefined): (() => Promise<Command>)[] {
  if (name !== undefined && WITHOUT_COMMANDS.includes(name)) return [];
  const one = name !== undefined && Object.hasOwn(COMMANDS, name) && !OF_THE_WHOLE.includes(name);
  return one ? [COMMANDS[name]!] : Object.values(COMMANDS);
}

/** Runs one command. @returns the exit code: 0 done, 1 refused or failed, 2 not understood */
export async function run(args: readonly string[]): Promise<number> {
  try {
    const whole = await program(args[0]);
    await whole.parseAsync([...args], { from: 'user' });
    return Number(process.exitCode ?? EXIT.done);
  } catch (error) {
    // Commander has printed its message; help and --version "fail" with exit code 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    printError(error, { json: args.includes('--json') });
    return EXIT.failed;
  }
}

/** Makes commander throw where it would end the process: only main.ts does that. */
function neverExit(command: Command): void {
  command.exitOverride();
  command.commands.forEach(neverExit);
}
