/** Pebble: the certificate authority that Let's Encrypt makes for tests. A real one, with all checks; its root is new at each start. */
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { Agent, get } from 'node:https';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { keepSelfSigned } from '../../src/net/self-signed.ts';
import { defer } from '../helpers/defer.ts';
import { emptyFolder } from '../helpers/folder.ts';
import { freePorts, listens } from '../helpers/ports.ts';
import { ServerProcess } from '../helpers/server-process.ts';
import { needsTool } from '../helpers/tools.ts';
import { NameServer } from './dns.ts';

export interface PebbleOptions {
  /** Where it asks. */
  readonly httpPort: number;
  readonly tlsPort: number;
  /** Lifetime of its certificates. */
  readonly validSeconds?: number;
  /** Names it gives no certificate for. */
  readonly refuses?: readonly string[];
  /** An external account binding is asked for: key id and key. */
  readonly binding?: readonly [kid: string, key: string];
}

export class Pebble {
  readonly directory: string;
  /** What its own certificate is checked against. */
  readonly caFile: string;
  readonly dns: NameServer;
  readonly #start: () => Promise<ServerProcess>;
  readonly #management: string;
  #process: ServerProcess | undefined;

  private constructor(
    port: number,
    management: number,
    caFile: string,
    dns: NameServer,
    start: () => Promise<ServerProcess>,
  ) {
    this.directory = `https://localhost:${port}/dir`;
    this.#management = `https://localhost:${management}`;
    this.caFile = caFile;
    this.dns = dns;
    this.#start = start;
  }

  /** Undefined: it is not installed, and the test is skipped. */
  static async start(t: TestContext, options: PebbleOptions): Promise<Pebble | undefined> {
    const command = needsTool(t, 'pebble');
    if (command === undefined) return undefined;
    const folder = await emptyFolder(t);
    const caFile = join(folder, 'pebble.pem');
    await keepSelfSigned(caFile, ['localhost']);
    const [port, management] = (await freePorts(2)) as [number, number];
    const [kid, key] = options.binding ?? [];
    const config = join(folder, 'pebble.json');
    await writeFile(
      config,
      JSON.stringify({
        pebble: {
          listenAddress: `127.0.0.1:${port}`,
          managementListenAddress: `127.0.0.1:${management}`,
          certificate: caFile,
          privateKey: caFile,
          httpPort: options.httpPort,
          tlsPort: options.tlsPort,
          externalAccountBindingRequired: kid !== undefined,
          ...(kid === undefined ? {} : { externalAccountMACKeys: { [kid]: key } }),
          domainBlocklist: options.refuses ?? [],
          certificateValidityPeriod: options.validSeconds ?? 90 * 86_400,
        },
      }),
    );
    const dns = await NameServer.start(t);
    const pebble = new Pebble(port, management, caFile, dns, async () => {
      const server = new ServerProcess(command, ['-config', config, '-dnsserver', dns.address], {
        cwd: folder,
        env: { ...process.env, PEBBLE_VA_NOSLEEP: '1', PEBBLE_WFE_NONCEREJECT: '20', PEBBLE_AUTHZREUSE: '0' },
      });
      await server.until(
        () => /Listening on: 127/.test(server.out + server.log) && /ACME directory/.test(server.out + server.log),
      );
      for (const each of [port, management]) while (!(await listens(each))) await delay(10); // it says so before it does
      return server;
    });
    defer(t, () => pebble.stop());
    await pebble.again();
    return pebble;
  }

  /** Starts it, with nothing of what it knew. */
  async again(): Promise<void> {
    this.#process = await this.#start();
  }

  async stop(): Promise<void> {
    await this.#process?.kill();
    this.#process = undefined;
  }

  /** The lines that it printed, such as its view of each request. */
  get log(): string {
    return `${this.#process?.out}${this.#process?.log}`;
  }

  /** The root of the certificates that it gives, PEM. */
  async root(): Promise<string> {
    const agent = new Agent({ ca: await readFile(this.caFile) });
    const [response] = await once(get(`${this.#management}/roots/0`, { agent }), 'response');
    let pem = '';
    for await (const chunk of response.setEncoding('utf8')) pem += chunk;
    return pem;
  }

  /** Lines of `[acme]` for the settings. */
  settings(more: string): string {
    return `[acme]\nenabled = true\nagreeToTerms = true\ndirectory = "${this.directory}"\ncaFile = "${this.caFile}"\n${more}\n`;
  }
}
