/**
 * What is remembered of the authority between starts, in the data directory, for its owner only:
 *
 * - `acme-account.json`: the account there and its key
 * - `acme-NAME.json`: how it stands with a certificate: an order that is under way with its key, failures, when to try again
 * - `acme-NAME.pem`: the certificate with its chain and key
 *
 * NAME is the first name of the certificate. A file that can't be understood is as good as none: all can be made anew.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { CertificateFiles } from '../net/certificates.ts';
import { writePrivateFile } from '../net/private-file.ts';

const account = z.object({
  /** Of the authority that knows the account. */
  directory: z.string(),
  key: z.string(),
  /** Null: not registered yet, as far as we know. */
  url: z.string().nullable(),
  contact: z.array(z.string()),
});
export type AccountState = z.output<typeof account>;

const moment = z.number().int().nonnegative();

const progress = z.object({
  /** Of the authority that all this is about. */
  directory: z.string(),
  order: z.object({ url: z.string(), key: z.string(), names: z.array(z.string()) }).nullable(),
  /** When the certificate was made. */
  issued: moment.nullable(),
  /** Tries that failed since the last certificate. */
  failures: z.number().int().nonnegative(),
  /** When the authority refused, in the last hour. */
  refusals: z.array(moment),
  retryAt: moment,
  problem: z.object({ at: moment, text: z.string() }).nullable(),
});
export type ProgressState = z.output<typeof progress>;

export class AcmeState {
  readonly #data: string;

  constructor(data: string) {
    this.#data = data;
  }

  account(): Promise<AccountState | null> {
    return this.#read('account', account);
  }

  keepAccount(state: AccountState): Promise<void> {
    return this.#write('account', state);
  }

  /** Of the certificate whose first name this is; a fresh one when nothing is known, or of another authority. */
  async progress(name: string, directory: string): Promise<ProgressState> {
    const known = await this.#read(name, progress);
    if (known?.directory === directory) return known;
    return { directory, order: null, issued: null, failures: 0, refusals: [], retryAt: 0, problem: null };
  }

  keepProgress(name: string, state: ProgressState): Promise<void> {
    return this.#write(name, state);
  }

  /** Where the certificate is, with its key in the same file: both are replaced at once. */
  files(name: string): CertificateFiles {
    const file = join(this.#data, `acme-${name}.pem`);
    return { certificate: file, key: file };
  }

  keepCertificate(name: string, key: string, chain: string): Promise<void> {
    return writePrivateFile(this.files(name).certificate, `${key.trimEnd()}\n${chain}`);
  }

  async #read<T>(name: string, shape: z.ZodType<T>): Promise<T | null> {
    let text: string;
    try {
      text = await readFile(this.#file(name), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return null; // damaged
    }
    return shape.safeParse(value).data ?? null;
  }

  #write(name: string, state: unknown): Promise<void> {
    return writePrivateFile(this.#file(name), `${JSON.stringify(state, null, 2)}\n`);
  }

  #file(name: string): string {
    return join(this.#data, `acme-${name}.json`);
  }
}
