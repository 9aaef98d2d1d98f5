/** A mail room whose people have POP3 devices, each with an app password of its own. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { sql } from '../../src/store/engine/sql.ts';
import { type AccountId, nowSeconds } from '../../src/store/ids.ts';
import { type Client, DOMAIN, type MailRoom, type MailRoomOptions, mailRoom, PASSWORD } from '../helpers/mail-room.ts';

const SILENCE = sql('UPDATE device SET last_seen = ? WHERE account_id = ? AND credential_id = ?');
const AGE = sql('UPDATE device_message SET fetched = fetched - ? WHERE fetched > 0');

export interface DeviceRoom extends MailRoom {
  readonly account: AccountId;
  /** An app password for a device of somebody's: of anna's, where nobody is named. */
  device(name: string, person?: string): Promise<Device>;
  /** What all of anna's programs share: her own password. */
  readonly shared: Device;
  /** Subjects of what is in INBOX, as IMAP would show it. */
  subjects(): Promise<string[]>;
  /** The device was there last before the time after which it is silent. */
  silence(device: Device): Promise<void>;
  /** What was fetched so far was fetched so many days ago. */
  age(days: number): Promise<void>;
}

interface DeviceSignIn {
  readonly address: string;
  readonly id: number;
  readonly password: string;
}

export class Device {
  readonly id: number;
  readonly #room: MailRoom;
  readonly #signIn: DeviceSignIn;

  constructor(room: MailRoom, signIn: DeviceSignIn) {
    this.#room = room;
    this.#signIn = signIn;
    this.id = signIn.id;
  }

  /** The same device, at the same server on another address. */
  at(room: MailRoom): Device {
    return new Device(room, this.#signIn);
  }

  async open(): Promise<Client> {
    const client = await this.#room.connect('pop3');
    await client.ask(`USER ${this.#signIn.address}`);
    const answer = await client.ask(`PASS ${this.#signIn.password}`);
    assert.match(answer, /^\+OK /);
    return client;
  }

  /** A session as a program runs it, with QUIT. */
  async session<T>(story: (client: Client) => Promise<T>): Promise<T> {
    const client = await this.open();
    const result = await story(client);
    assert.match(await client.ask('QUIT'), /^\+OK /);
    return result;
  }

  /** Subjects of what the device is shown. */
  sees(): Promise<string[]> {
    return this.session((client) => subjectsOf(client));
  }

  /** Retrieves everything, and deletes it if `keep` is false. @returns the subjects */
  fetch(options: { readonly keep: boolean }): Promise<string[]> {
    return this.session(async (client) => {
      const subjects: string[] = [];
      const [, count] = (await client.ask('STAT')).split(' ');
      for (let number = 1; number <= Number(count); number += 1) {
        subjects.push(subjectOf(await client.lines(`RETR ${number}`)));
        if (!options.keep) assert.match(await client.ask(`DELE ${number}`), /^\+OK /);
      }
      return subjects;
    });
  }
}

export async function deviceRoom(t: TestContext, options: MailRoomOptions = {}): Promise<DeviceRoom> {
  const room = await mailRoom(t, { people: ['anna', 'ben'], ...options });
  const { id: account } = await room.directory.account('anna@office.test');
  return {
    ...room,
    account,
    async device(name, person = 'anna') {
      const address = `${person}@${DOMAIN}`;
      const { id, password } = await room.directory
        .by('the test')
        .appPasswords.add(address, { label: name, protocols: null });
      return new Device(room, { address, id, password });
    },
    shared: new Device(room, { address: `anna@${DOMAIN}`, id: 1, password: PASSWORD }),
    async subjects() {
      return (await room.inbox('anna')).map(subjectOf);
    },
    silence: (device) =>
      room.store.engine.write(async (tx) => {
        await tx.run(SILENCE, nowSeconds() - 31 * 86_400, account, device.id);
      }),
    age: (days) =>
      room.store.engine.write(async (tx) => {
        await tx.run(AGE, days * 86_400);
      }),
  };
}

export function letter(subject: string): string {
  return `From: ben@office.test\nTo: anna@office.test\nSubject: ${subject}\n\nHello.\n`;
}

export function subjectOf(message: string): string {
  return /^Subject: (.*?)\r?$/m.exec(message)?.[1] ?? '';
}

async function subjectsOf(client: Client): Promise<string[]> {
  const subjects: string[] = [];
  const [, count] = (await client.ask('STAT')).split(' ');
  for (let number = 1; number <= Number(count); number += 1) {
    subjects.push(subjectOf(await client.lines(`TOP ${number} 0`)));
  }
  return subjects;
}
