/** Rainmail as an office runs it, with an empty data directory of its own and the accounts made through its command line. */
import { type ChildProcess, execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePorts } from '../../test/helpers/ports.ts';
import { ACCOUNTS, accountAddress, PASSWORD } from './accounts.ts';
import { type MailServer, type Ports, startProcess, stopProcess, untilReady } from './server.ts';

const run = promisify(execFile);
/** Of this checkout: it runs from its sources. */
const CHECKOUT = join(import.meta.dirname, '../../bin/rainmail');

export interface RainmailOptions {
  /** Its folder in the scratch folder. */
  readonly folder?: string;
  /** The command of another installation. */
  readonly command?: string;
  /** A port for submission; none otherwise. */
  readonly submission?: number;
  /** More sections of the configuration. */
  readonly config?: string;
}

export async function makeRainmail(scratch: string, options: RainmailOptions = {}): Promise<MailServer> {
  const { folder = 'rainmail', command = CHECKOUT } = options;
  const directory = join(scratch, folder);
  const data = join(directory, 'data');
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  const accounts = join(directory, 'accounts.csv');
  const addresses = Array.from({ length: ACCOUNTS }, (_, i) => accountAddress(i + 1));
  await writeFile(
    accounts,
    ['address,password,name,group', ...addresses.map((address) => `${address},${PASSWORD},,`), ''].join('\n'),
  );
  await run(command, ['account', 'import', accounts, '--data', data]);
  const { stdout } = await run(command, ['--version']);

  const [imap, pop3, lmtp, smtp, health] = await freePorts(5);
  const config = join(directory, 'rainmail.toml');
  await writeFile(config, configuration({ imap: imap!, pop3: pop3!, lmtp: lmtp!, smtp: smtp! }, health!, options));
  return new Rainmail({
    version: stdout.trim(),
    ports: { imap: imap!, pop3: pop3!, lmtp: lmtp!, smtp: smtp! },
    health: health!,
    command,
    args: ['serve', '--config', config, '--data', data],
    logFile: join(directory, 'log'),
  });
}

/** The defaults, on loopback without TLS, with room for thousands of connections and for a large message. */
function configuration({ imap, pop3, lmtp, smtp }: Ports, health: number, options: RainmailOptions): string {
  const { submission, config = '' } = options;
  const at = (port: number | null) => `["127.0.0.1:${port}"]`;
  return `name = "bench.example.org"
[listen]
addresses = ["127.0.0.1:0"]
imap = ${at(imap)}
pop3 = ${at(pop3)}
lmtp = ${at(lmtp)}
smtp = ${at(smtp)}
health = ${at(health)}
imaps = false
pop3s = false
submission = ${submission === undefined ? false : at(submission)}
submissions = false
[limits]
message = "64MB"
connectionsByAddress = 20000
connectionsByAccount = 20000
recipientsByHour = 100000000
recipientsByDay = 100000000
${config}`;
}

interface Installation {
  readonly version: string;
  readonly ports: Ports;
  readonly health: number;
  readonly command: string;
  readonly args: readonly string[];
  readonly logFile: string;
}

class Rainmail implements MailServer {
  readonly name = 'Rainmail';
  readonly #installation: Installation;
  #process: ChildProcess | undefined;

  constructor(installation: Installation) {
    this.#installation = installation;
  }

  get version(): string {
    return this.#installation.version;
  }

  get ports(): Ports {
    return this.#installation.ports;
  }

  get pid(): number {
    return this.#process!.pid!;
  }

  async start(): Promise<void> {
    const { command, args, logFile } = this.#installation;
    await writeFile(logFile, '');
    this.#process = startProcess(command, args, logFile);
    await untilReady(this.#process, logFile, async () => /^ready$/m.test(await readFile(logFile, 'utf8')));
  }

  async stop(): Promise<void> {
    await stopProcess(this.#process);
    this.#process = undefined;
  }

  /** The server forgets the maximum each time its metrics are read. */
  async longestPause(): Promise<number> {
    const response = await fetch(`http://127.0.0.1:${this.#installation.health}/metrics`);
    const match = /^nodejs_eventloop_lag_max_seconds (\S+)$/m.exec(await response.text());
    if (match === null) throw new Error('the metrics do not tell the delay of the event loop');
    return Number(match[1]) * 1_000;
  }
}
