/** The command line: what there is, its options and its exit codes. Each command is a file of its own beside this one. */
import { Command, CommanderError } from 'commander';
import { version } from '../server/version.ts';
import { accountCommand } from './account.ts';
import { aliasCommand } from './alias.ts';
import { appPasswordCommand } from './app-password.ts';
import { auditCommand } from './audit.ts';
import { backupCommand } from './backup.ts';
import { certificateCommand } from './certificate.ts';
import { completionCommand } from './completion.ts';
import { deviceCommand } from './device.ts';
import { dkimCommand } from './dkim.ts';
import { dnsCommand } from './dns.ts';
import { domainCommand } from './domain.ts';
import { exportCommand } from './export.ts';
import { forwardCommand } from './forward.ts';
import { groupCommand } from './group.ts';
import { holdCommand } from './hold.ts';
import { importCommand } from './import.ts';
import { ldapCommand } from './ldap.ts';
import { migrateCommand } from './migrate.ts';
import { outboundCommand } from './outbound.ts';
import { EXIT, printError } from './output.ts';
import { policyCommand } from './policy.ts';
import { queueCommand } from './queue.ts';
import { quotaCommand } from './quota.ts';
import { restoreCommand } from './restore.ts';
import { serveCommand } from './serve.ts';
import { sessionsCommand } from './sessions.ts';
import { statusCommand } from './status.ts';
import { traceCommand } from './trace.ts';
import { undeleteCommand } from './undelete.ts';
import { verifyCommand } from './verify.ts';

/** The whole command line. */
export function program(): Command {
  const whole = new Command('rainmail')
    .description('The mail server an office runs itself.')
    .version(version)
    .showHelpAfterError('(rainmail help shows what there is)')
    .showSuggestionAfterError();
  const commands = [
    serveCommand,
    domainCommand,
    dnsCommand,
    dkimCommand,
    accountCommand,
    appPasswordCommand,
    aliasCommand,
    forwardCommand,
    groupCommand,
    quotaCommand,
    policyCommand,
    ldapCommand,
    auditCommand,
    deviceCommand,
    sessionsCommand,
    importCommand,
    migrateCommand,
    exportCommand,
    outboundCommand,
    queueCommand,
    traceCommand,
    undeleteCommand,
    holdCommand,
    backupCommand,
    restoreCommand,
    verifyCommand,
    certificateCommand,
    statusCommand,
    completionCommand,
  ];
  for (const command of commands) whole.addCommand(command());
  neverExit(whole);
  return whole;
}

/** Runs one command. @returns the exit code: 0 done, 1 refused or failed, 2 not understood */
export async function run(args: readonly string[]): Promise<number> {
  try {
    await program().parseAsync([...args], { from: 'user' });
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
