/** Passwords are never on the command line, where other users of the machine could see them. */
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import type { Command } from 'commander';
import { Refused } from '../errors.ts';
import { generatePassword } from '../server/generated-password.ts';

export interface PasswordOptions {
  readonly passwordStdin?: boolean;
  readonly generate?: boolean;
}

/** Adds the options by which a password comes in. */
export function takesPassword(command: Command): Command {
  return command
    .option('--password-stdin', 'read the password from standard input (its first line)')
    .option('--generate', 'make a password up and show it once');
}

export interface ChosenPassword {
  readonly password: string;
  /** To be shown: nobody else knows it. */
  readonly generated: boolean;
}

/** The password: asked for twice on a terminal, read from standard input, or made up. */
export async function choosePassword(options: PasswordOptions): Promise<ChosenPassword> {
  if (options.generate === true) return { password: generatePassword(), generated: true };
  if (options.passwordStdin === true) return { password: await firstLine('password'), generated: false };
  if (!process.stdin.isTTY) {
    throw new Refused(
      'directory.invalid',
      'No password: give --password-stdin or --generate when there is no terminal to ask on.',
    );
  }
  const password = await ask('Password: ');
  if ((await ask('Again: ')) !== password) throw new Refused('directory.invalid', 'The two passwords differ.');
  return { password, generated: false };
}

export interface SecretOptions {
  readonly passwordFile?: string;
  readonly passwordStdin?: boolean;
}

/** A password that another server knows: from a file or standard input (their first line), or asked for once. */
export async function givenPassword(options: SecretOptions, question: string): Promise<string> {
  if (options.passwordFile !== undefined) return firstLineOf(options.passwordFile);
  if (options.passwordStdin === true) return firstLine('password');
  if (process.stdin.isTTY) return ask(`${question}: `);
  throw new Refused(
    'directory.invalid',
    'No password: give --password-file or --password-stdin when there is no terminal to ask on.',
  );
}

async function firstLineOf(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).split(/\r?\n/, 1)[0]!;
  } catch (error) {
    throw new Refused('directory.invalid', `${file} can't be read (${(error as NodeJS.ErrnoException).code}).`, {
      cause: error,
    });
  }
}

/** @param what  of the line, for the error when there is none */
export async function firstLine(what: string): Promise<string> {
  const lines = createInterface({ input: process.stdin });
  for await (const line of lines) {
    lines.close();
    return line;
  }
  throw new Refused('directory.invalid', `Standard input holds no ${what}.`);
}

/** Asks on the terminal without showing what is typed. */
export function ask(question: string): Promise<string> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: silent, terminal: true }); // from now on nothing is echoed
  process.stderr.write(question);
  return new Promise((resolve, reject) => {
    const end = () => {
      terminal.close();
      process.stderr.write('\n');
    };
    terminal.once('line', (answer) => {
      end();
      resolve(answer);
    });
    terminal.once('SIGINT', () => {
      end();
      reject(new Refused('directory.invalid', 'No password was given.'));
    });
  });
}
