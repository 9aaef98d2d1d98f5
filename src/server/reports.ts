/** What tells senders of their mail, as the server runs it. */
import type { Config } from '../config/schema.ts';
import type { Resolver } from '../delivery/recipients.ts';
import type { Directory } from '../directory/directory.ts';
import { Reports, type ReportsOptions } from '../outbound/report/reporter.ts';
import type { MailStore } from '../store/store.ts';

interface Parts extends Pick<ReportsOptions, 'outgoing' | 'originalSender'> {
  readonly config: Config;
  /** As this server calls itself. */
  readonly name: string;
  readonly store: MailStore;
  readonly directory: Pick<Directory, 'access' | 'accountOf'>;
  /** Where addresses lead: the directory, or what stands before it. */
  readonly resolver: Resolver;
  /** Mail is tried for so long, in milliseconds. */
  readonly giveUp: number;
}

export function openReports({ config, name, directory, resolver, ...parts }: Parts): Reports {
  return new Reports({
    ...parts,
    hostname: name,
    directory: resolver,
    language: config.language,
    languageOf: async (account) => (await directory.access(account)).language,
    isThere: async (account) => (await directory.accountOf(account)) !== undefined,
  });
}
