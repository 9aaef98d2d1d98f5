/**
 * The office: what a data directory holds, opened under its lock. The server serves it; administrative actions change it, in the server
 * or, when none runs, in the command itself.
 */
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { ReachableServices } from '../autoconfig/services.ts';
import { clearScratch } from '../backup/restore/backed-up-store.ts';
import { isRestoring } from '../backup/restore/server.ts';
import { type Config, defaults } from '../config/schema.ts';
import type { PolicyBasis } from '../directory/access/effective.ts';
import { Directory } from '../directory/directory.ts';
import type { Resolver } from '../dns/resolver.ts';
import { Refused } from '../errors.ts';
import type { Ldap } from '../ldap/ldap.ts';
import { Sessions } from '../net/sessions.ts';
import type { Sending } from '../outbound/types.ts';
import type { Signing } from '../signing/signing.ts';
import { asDamage, assertDatabase } from '../store/damage.ts';
import type { Milliseconds } from '../store/ids.ts';
import type { Recovered } from '../store/recovery.ts';
import { TORN_LOG } from '../store/repair/torn-log.ts';
import { MailStore } from '../store/store.ts';
import { Backups } from './backups.ts';
import type { ServerCertificates } from './certificates.ts';
import { tellDiskSpace } from './disk.ts';
import { endWithSignIn } from './end-sessions.ts';

export interface Office {
  /** The data directory, absolute. */
  readonly data: string;
  readonly store: MailStore;
  readonly directory: Directory;
  /** Who is signed in; nobody in a command that works alone. */
  readonly sessions: Sessions;
  readonly backups: Backups;
  /** Those that clients see; null in a command that works alone. */
  readonly certificates: ServerCertificates | null;
  /** Where people live who do not live here; null where nobody does, and in a command that works alone. */
  readonly ldap: Ldap | null;
  /** What sends the queue; null where no mail leaves, and in a command that works alone. */
  readonly sending: Sending | null;
  /** The keys that mail is signed with; null in a command that works alone. */
  readonly signing: Signing | null;
  /** Asks the DNS; null in a command that works alone. */
  readonly resolver: Resolver | null;
  /** The settings; their defaults in a command that works alone. */
  readonly config: Config;
  /** The server that runs the action; null in a command that works alone. */
  readonly server: ServerFacts | null;
  close(): Promise<void>;
}

/** What a running server tells of itself. */
export interface ServerFacts {
  readonly pid: number;
  /** As it calls itself to others. */
  readonly name: string;
  readonly version: string;
  readonly started: string;
  readonly listening: readonly { readonly service: string; readonly address: string; readonly port: number }[];
  /** Where mail programs reach it, as it is known when everything listens. */
  readonly reachable: ReachableServices;
  /** Version of the policy for TLS that is served (RFC 8461); null: none is. */
  readonly policyId: string | null;
  /** What is wrong now with mail to other servers, a sentence each. */
  readonly alarms: readonly string[];
}

export interface OfficeOptions {
  readonly data: string;
  /** Make the data directory when there is none; else it is an error. */
  readonly create: boolean;
  /** Who opens it, for the error that others get. */
  readonly command: string;
  readonly config?: Config;
  /** The file that the configuration was read from. */
  readonly configFile?: string | null;
  readonly log?: Logger;
  /** The disk failed: the store takes no more changes and the process should end. */
  readonly onFailure?: (error: Error) => void;
}

const DAY: Milliseconds = 86_400_000;

/**
 * Opens the office of a data directory.
 * @throws Refused `directory.missing` when there is none, `store.locked` naming the owner
 */
export async function openOffice(options: OfficeOptions): Promise<Office> {
  const { data, create, command, config = defaults(), configFile = null, log, onFailure } = options;
  assertNotRestoring(data);
  assertDatabase(data);
  if (!hasOffice(data)) {
    if (!create) {
      throw new Refused('directory.missing', `There is no office in ${data}. Name its data directory: --data DIR.`);
    }
    await makeDataDirectory(data);
  }
  const store = await MailStore.open({
    directory: data,
    command,
    segmentBytes: config.store.segment,
    diskWatermarkBytes: config.store.reserve,
    retentionDays: config.store.retention / DAY,
    retainedCapBytes: config.store.retained,
    auditDays: config.store.audit / DAY,
    trace: { kept: config.trace.kept / 1_000, subjects: config.trace.subjects },
    deviceSilentDays: config.pop3.silent / DAY,
    checkpointBytes: config.store.checkpoint,
    housekeepingEvery: config.store.housekeeping,
    onDiskSpace: (room) => log !== undefined && tellDiskSpace(room, log),
    onTrouble: (what, error) => log?.error({ err: error }, `${what} failed and will be tried again`),
    ...(onFailure === undefined ? {} : { onFailure }),
  });
  tellRecovered(store.recovered, log);
  try {
    await clearScratch(data);
    const onTrouble = (what: string, error: unknown) => log?.error({ err: error }, `${what} failed`);
    const directory = await Directory.open(store.engine, onTrouble, policyBasis(config));
    store.devices.useRules(async (account) => (await directory.access(account)).pop3.letGo);
    const backups = await Backups.open({ data, store, config, configFile });
    const sessions = new Sessions();
    endWithSignIn(sessions, directory);
    const close = async () => {
      await directory.close();
      await store.close();
    };
    return {
      data,
      store,
      directory,
      sessions,
      backups,
      certificates: null,
      ldap: null,
      sending: null,
      signing: null,
      resolver: null,
      config,
      server: null,
      close,
    };
  } catch (error) {
    await store.close();
    throw asDamage(error, data);
  }
}

/** What the configuration says for everyone; the access policy may say otherwise for some. */
function policyBasis({ pop3, submission, openid, language }: Config): PolicyBasis {
  return {
    configured: {
      'pop3.letGo': pop3.letGo,
      'pop3.folders': pop3.folders,
      'pop3.seenByRetr': pop3.seenByRetr,
      'submission.fileSent': submission.fileSent,
      language,
    },
    tokens: openid.issuer !== '',
  };
}

/** After an unclean end. Messages whose bytes were not on the disk had not been acknowledged, unless the disk damages what it has synced. */
function tellRecovered({ clean, messagesRemoved, removed, framesNotRead }: Recovered, log: Logger | undefined): void {
  if (framesNotRead > 0) {
    const text = `the log breaks off; it is kept as ${TORN_LOG}. After a power cut nothing acknowledged was behind the break; else the disk damaged it`;
    log?.warn({ framesNotRead }, text);
  }
  if (clean) return;
  log?.warn({ messagesRemoved }, 'the last end was not in order; everything acknowledged is there');
  for (const message of removed) log?.warn(message, 'removed: its bytes had not reached the disk');
}

/** @throws Refused `restore.unfinished` */
function assertNotRestoring(data: string): void {
  if (!isRestoring(data)) return;
  throw new Refused(
    'restore.unfinished',
    `A restore into ${data} was not finished. Give the same “rainmail restore server” command again: it goes on where it was.`,
  );
}

/** True when the directory holds an office, running or not. */
export function hasOffice(data: string): boolean {
  return existsSync(join(data, 'mail.db'));
}

/** Makes the directory, for its owner alone. @throws Refused when it holds other things */
async function makeDataDirectory(data: string): Promise<void> {
  await mkdir(data, { recursive: true, mode: 0o700 });
  const others = (await readdir(data)).filter((name) => !OURS.test(name));
  if (others.length > 0) {
    throw new Refused(
      'directory.invalid',
      `${data} holds other things (${others.slice(0, 3).join(', ')}): name an empty directory, or a new one.`,
    );
  }
  await chmod(data, 0o700);
}

/** What a first start that was interrupted may have left. */
const OURS = /^(lock\.db|mail\.db|segments|self-signed\.pem|admin\.sock|trial)/;
