/** POP3 devices of a person: which there are, what they hold, and from when on they are shown mail. */
import { z } from 'zod';
import { Refused } from '../../errors.ts';
import { type AccountId, nowSeconds } from '../../store/ids.ts';
import { recordAudit } from '../../store/operations/audit.ts';
import type { Office } from '../office.ts';
import { action } from './action.ts';

export interface DeviceShown {
  /** The name of its app password; of the account's password: `password`. */
  readonly name: string;
  readonly firstSeen: string;
  readonly lastSeen: string;
  /** It has been silent for so long that it does not keep messages from leaving any more. */
  readonly silent: boolean;
  /** Messages received before are not shown to it. Null: all are. */
  readonly start: string | null;
  /** When two mail programs were seen to use it at once; null: never. */
  readonly shared: string | null;
}

export interface DeviceStarted {
  readonly name: string;
  readonly start: string | null;
  /** It was later before: the device is shown older messages now, and may fetch them again. */
  readonly earlier: boolean;
}

export const listDevices = action({
  name: 'device.list',
  input: z.strictObject({ account: z.string() }),
  async run({ store, directory }, { account }): Promise<DeviceShown[]> {
    const { id } = await directory.account(account);
    const names = await namesOf(directory, account);
    return (await store.devices.list(id)).map((device) => ({
      name: names.get(device.credential) ?? `no. ${device.credential}`,
      firstSeen: iso(device.firstSeen)!,
      lastSeen: iso(device.lastSeen)!,
      silent: store.devices.isSilent(device),
      start: iso(device.start),
      shared: iso(device.shared),
    }));
  },
});

export const startDevice = action({
  name: 'device.start',
  input: z.strictObject({
    account: z.string(),
    device: z.string(),
    /** Seconds since 1970; 0: everything is shown. */
    start: z.number().int().min(0),
  }),
  async run({ store, directory }, { account, device, start }, { actor }): Promise<DeviceStarted> {
    const { id, name: subject } = await directory.account(account);
    const { credential, name } = await findDevice(directory, account, device);
    const before = await startOf(store, id, credential);
    const detail = { device: name, start: iso(start), before: iso(before) };
    await store.devices.setStart(id, credential, start, (tx) =>
      recordAudit(tx, { actor, action: 'device.start', subject, detail }, nowSeconds()),
    );
    return { name, start: iso(start), earlier: start < before };
  },
});

async function startOf(store: Office['store'], account: AccountId, credential: number): Promise<number> {
  return (await store.devices.list(account)).find((device) => device.credential === credential)?.start ?? 0;
}

/** @throws Refused `directory.missing` */
async function findDevice(directory: Office['directory'], account: string, device: string) {
  for (const [credential, name] of await namesOf(directory, account)) {
    if (name.toLowerCase() === device.toLowerCase()) return { credential, name };
  }
  throw new Refused(
    'directory.missing',
    `${account} has no app password "${device}". See them all: rainmail app-password list ${account}`,
  );
}

/** The account's credentials by name: a device is known by its app password. */
async function namesOf(directory: Office['directory'], account: string): Promise<Map<number, string>> {
  const credentials = await directory.credentials(account);
  return new Map(credentials.map(({ id, kind, label }) => [id, kind === 'app' ? label : 'password']));
}

function iso(seconds: number): string | null {
  return seconds === 0 ? null : new Date(seconds * 1_000).toISOString();
}
