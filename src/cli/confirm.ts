/** Asking before something is done that can't be undone. */
import { createInterface } from 'node:readline/promises';
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
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await new Promise<string>((resolve) => {
    terminal.once('SIGINT', () => resolve(''));
    terminal.question(`${question} [y/N]: `).then(resolve, () => resolve(''));
  });
  terminal.close();
  if (!/^y(es)?$/i.test(answer.trim())) throw new Refused('directory.invalid', 'Nothing was done.');
}
