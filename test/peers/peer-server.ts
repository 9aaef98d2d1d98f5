/**
 * Mail servers of the distribution, each for a domain of its own, in the test's own network: mail to `echo` there (and to `zoë`, where they know
 * such letters) comes back to the office by SMTP, whoever wants to write to `later` is put off (by Exim: until there is a file `known` in its
 * folder), others are unknown.
 */
import { execFileSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { connect, isIPv6 } from 'node:net';
import type { TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import type { Certificate } from '../helpers/authority.ts';
import { defer } from '../helpers/defer.ts';
import { ServerProcess } from '../helpers/server-process.ts';

export interface PeerSetting {
  /** Of its own, and empty. */
  readonly folder: string;
  readonly domain: string;
  /** As it calls itself: `mx.` and its domain. */
  readonly host: string;
  /** It is reached and goes out there. */
  readonly address: string;
  /** IPv6: there, too, if it can. */
  readonly address6: string;
  readonly certificate: Certificate;
  /** Where mail to `echo` goes. */
  readonly echo: string;
}

/** Gives this network's one machine an address more. */
export function addAddress(address: string): void {
  execFileSync('ip', ['address', 'add', address, 'dev', 'lo', ...(isIPv6(address) ? ['nodad'] : [])]);
}

/** Runs it in the foreground. */
export interface PeerCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

/** Makes its configuration. */
export type MakePeer = (setting: PeerSetting) => Promise<PeerCommand>;

export const MOST_BYTES = 50_000_000;

/** Runs it until the test ends; resolves when it listens. */
export async function startPeer(t: TestContext, setting: PeerSetting, make: MakePeer): Promise<ServerProcess> {
  await mkdir(setting.folder, { recursive: true, mode: 0o755 });
  addAddress(setting.address);
  addAddress(setting.address6);
  const { command, args, env } = await make(setting);
  const server = new ServerProcess(command, args, env && { env });
  defer(t, async () => {
    server.signal('SIGTERM');
    await server.end();
  });
  while (!(await listens(setting.address))) {
    if (server.ended) throw new Error(`${command} has ended:\n${server.out}${server.log}`);
    await wait(20); // nothing tells of it
  }
  return server;
}

function listens(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(25, address, () => {
      socket.destroy();
      resolve(true);
    }).on('error', () => resolve(false));
  });
}
