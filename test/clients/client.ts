/**
 * What the tests of real clients have in common: an office, a home folder for the client with the office's certificate in it, and a
 * way to run a command there. When the test ends the office must have met no fault of its own, and everything in it must be whole.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { perform } from '../../src/cli/perform.ts';
import { verify } from '../../src/server/admin/verify.ts';
import { type OfficeRequest, type TrialOffice, trialOffice } from '../helpers/office.ts';

export interface ClientOffice {
  readonly office: TrialOffice;
  readonly home: ClientHome;
}

/** Starts an office, and gives a client a home in it. */
export async function clientOffice(t: TestContext, request: OfficeRequest = {}): Promise<ClientOffice> {
  const office = await trialOffice(t, request);
  office.lastly = async () => assert.deepEqual((await perform(verify, {}, office)).findings, []);
  const folder = join(office.folder, 'home');
  await mkdir(folder);
  const certificate = new X509Certificate(await readFile(join(office.data, 'self-signed.pem')));
  await writeFile(join(folder, 'ca.pem'), certificate.toString());
  return { office, home: new ClientHome(folder, certificate.fingerprint256) };
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** No client takes this long; one that does hangs. */
const PATIENCE = 300_000;

export class ClientHome {
  readonly folder: string;
  /** Of the office's certificate: SHA-256, in hexadecimal with colons. */
  readonly fingerprint: string;

  constructor(folder: string, fingerprint: string) {
    this.folder = folder;
    this.fingerprint = fingerprint;
  }

  /** The office's certificate, for clients that ask whom to trust. */
  get ca(): string {
    return this.path('ca.pem');
  }

  /** A home for one client of several, in this one. */
  async another(name: string): Promise<ClientHome> {
    await mkdir(this.path(name));
    await copyFile(this.ca, this.path(name, 'ca.pem'));
    return new ClientHome(this.path(name), this.fingerprint);
  }

  path(...names: string[]): string {
    return join(this.folder, ...names);
  }

  /** Writes a file that only its owner may read, as clients want it of files with passwords. */
  async file(name: string, content: string | Buffer): Promise<string> {
    await writeFile(this.path(name), content, { mode: 0o600 });
    return this.path(name);
  }

  /** Runs a command, with this folder as its HOME, to its end. */
  async try(
    command: string,
    args: readonly string[],
    input: string | Buffer = '',
    environment: Readonly<Record<string, string>> = {},
  ): Promise<Ended> {
    const child = spawn(command, args, {
      cwd: this.folder,
      env: {
        PATH: process.env['PATH'],
        HOME: this.folder,
        FETCHMAILHOME: this.folder,
        LC_ALL: 'C.UTF-8',
        ...environment,
      },
      timeout: PATIENCE,
      killSignal: 'SIGKILL',
    });
    const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.stdin.on('error', () => {}); // it ended before it read its input
    child.stdin.end(input);
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, stdout: Buffer.concat(stdout).toString('latin1'), stderr: Buffer.concat(stderr).toString('latin1') };
  }

  /** As {@link try}; rejects when the command fails. @returns its standard output, a character for each byte */
  async run(command: string, args: readonly string[], input: string | Buffer = ''): Promise<string> {
    const { code, stdout, stderr } = await this.try(command, args, input);
    assert.equal(code, 0, `${command} ended with ${code}:\n${stdout}${stderr}`);
    return stdout;
  }
}

/** Those SASL mechanisms of ours that a client of the msmtp family says it has. */
export async function mechanismsOf(home: ClientHome, command: 'mpop' | 'msmtp'): Promise<string[]> {
  const [, has = ''] = /^Supported authentication methods:\n(.*)/m.exec(await home.run(command, ['--version'])) ?? [];
  const both = ['plain', 'login', 'scram-sha-256', 'scram-sha-256-plus'].filter((name) =>
    has.split(' ').includes(name),
  );
  assert.ok(both.length > 0, `${command} names no mechanism of ours: ${has}`);
  return both;
}

/** Delivers so many messages, with subjects `PREFIX 1`, `PREFIX 2`, ... but in no certain order. */
export async function deliverMany(office: TrialOffice, to: string, count: number, prefix = 'Letter'): Promise<void> {
  let next = 1;
  const deliverer = async () => {
    while (next <= count) {
      const number = next++;
      await office.deliver({ to, subject: `${prefix} ${number}`, text: `This is letter ${number}.` });
    }
  };
  await Promise.all(Array.from({ length: 8 }, deliverer));
}

/** `PREFIX 1` to `PREFIX count`, sorted as text. */
export function numbered(count: number, prefix = 'Letter'): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix} ${index + 1}`).sort();
}
