/** Asking before something is done that can't be undone. */
import { createInterface } from 'node:readline';
import { Refused } from '../errors.ts';

/**
 * Asks on the terminal, unless `--yes` was given.
 * @param question  says what will be done: `Purge 12 messages for good?`
 * @throws Refused when the answer is not yes, or there is no terminal to ask on
 */
export async function confirm(question: string, { yes = false }: { readonly yes?: boolean }): Promise<void> {
  if (yes) return;
  if (!process.stdin.isTTY) {
    throw new Refused(
      'directory.invalid',
      `${question} Nothing was done: give --yes when there is no terminal to ask on.`,
    );
  }
  process.stderr.write(`${question} [y/N]: `);
  if (!/^y(es)?$/i.test((await answer()).trim())) throw new Refused('directory.invalid', 'Nothing was done.');
}

/** The next line from the terminal; empty at its end. */
async function answer(): Promise<string> {
  const lines = createInterface({ input: process.stdin, terminal: false });
  for await (const line of lines) {
    lines.close();
    return line;
  }
  return '';
}
