/**
 * The POP3 conformance suite: how well does a server keep the RFCs? Points at any server; needs a maildrop of its own there, which it empties,
 * and a port that takes mail for it.
 *
 *   npm run conformance:pop3 -- --host 127.0.0.1 --port 110 --user anna@office.test --password-file pw --deliver lmtp://127.0.0.1:24
 */
import { readFileSync } from 'node:fs';
import { styleText } from 'node:util';
import { Command } from 'commander';
import { type Case, NotApplicable } from './case.ts';
import { basics } from './cases/basics.ts';
import { extensions } from './cases/extensions.ts';
import { maildrop } from './cases/maildrop.ts';
import { security } from './cases/security.ts';
import { tokens } from './cases/tokens.ts';
import { Failed } from './connection.ts';
import type { Delivery } from './deliver.ts';
import { capabilities, Ground, type Target } from './ground.ts';

export const CASES: readonly Case[] = [...basics, ...maildrop, ...extensions, ...security, ...tokens];

export interface Verdict {
  readonly id: string;
  readonly level: Case['level'];
  readonly says: string;
  readonly result: 'kept' | 'broken' | 'not applicable';
  /** What was wrong, or why it isn't applicable. */
  readonly reason?: string;
  readonly transcript?: string;
}

/** Runs the cases one after the other. */
export async function* examine(target: Target, cases: readonly Case[] = CASES): AsyncGenerator<Verdict> {
  const announced = await announcedBy(target);
  for (const one of cases) {
    const { id, level, says } = one;
    if (one.needsPlain === true && target.plain === undefined) {
      yield { id, level, says, result: 'not applicable', reason: 'no port without TLS was named' };
    } else if (one.capability !== undefined && !announced.has(one.capability)) {
      yield { id, level, says, result: 'not applicable', reason: `${one.capability} is not announced` };
    } else yield { id, level, says, ...(await run(one, target)) };
  }
}

async function run(one: Case, target: Target): Promise<Pick<Verdict, 'result' | 'reason' | 'transcript'>> {
  const ground = new Ground(target);
  try {
    await one.run(ground);
    return { result: 'kept' };
  } catch (error) {
    if (error instanceof NotApplicable) return { result: 'not applicable', reason: error.message };
    if (!(error instanceof Failed)) throw error; // the suite can't go on: no server, no delivery
    return { result: 'broken', reason: error.message, transcript: ground.transcript };
  } finally {
    await ground.leave();
  }
}

/** What is announced anywhere: before and after TLS and sign-in. */
async function announcedBy(target: Target): Promise<Set<string>> {
  const ground = new Ground(target);
  try {
    const names = new Set<string>();
    for (const connection of [await ground.connect(), await ground.secured(), await ground.signIn()]) {
      for (const name of (await capabilities(connection)).keys()) names.add(name);
      await connection.break(); // a server may allow one session at a time
    }
    return names;
  } finally {
    await ground.leave();
  }
}

interface Options {
  readonly host: string;
  readonly port?: string;
  readonly tlsPort?: string;
  readonly user: string;
  readonly passwordFile: string;
  readonly deliver: string;
  readonly to?: string;
  readonly only?: string;
  readonly json?: boolean;
}

function deliveryOf(text: string, recipient: string): Delivery {
  const url = new URL(text);
  const protocol = url.protocol.slice(0, -1);
  if (protocol !== 'lmtp' && protocol !== 'smtp') throw new Error(`--deliver takes lmtp:// or smtp://, not ${text}`);
  return { protocol, host: url.hostname, port: Number(url.port || (protocol === 'lmtp' ? 24 : 25)), recipient };
}

async function main(options: Options): Promise<void> {
  const { host, port, tlsPort, user } = options;
  if (port === undefined && tlsPort === undefined) throw new Error('name --port, --tls-port, or both');
  const target: Target = {
    plain: port === undefined ? undefined : { host, port: Number(port), tls: false },
    implicit: tlsPort === undefined ? undefined : { host, port: Number(tlsPort), tls: true },
    user,
    password: readFileSync(options.passwordFile, 'utf8').replace(/\r?\n$/, ''),
    delivery: deliveryOf(options.deliver, options.to ?? user),
  };
  const { only } = options;
  const cases = only === undefined ? CASES : CASES.filter(({ id }) => id.startsWith(only));
  const verdicts: Verdict[] = [];
  for await (const verdict of examine(target, cases)) {
    verdicts.push(verdict);
    if (options.json !== true) process.stdout.write(text(verdict));
  }
  if (options.json === true) process.stdout.write(`${JSON.stringify(verdicts, null, 2)}\n`);
  else process.stdout.write(`\n${summary(verdicts)}\n`);
  if (verdicts.some(({ level, result }) => level === 'MUST' && result === 'broken')) process.exitCode = 1;
}

const MARKS = { kept: styleText('green', 'ok  '), broken: styleText('red', 'FAIL'), 'not applicable': '-   ' } as const;

function text({ id, level, says, result, reason, transcript }: Verdict): string {
  const lines = [`${MARKS[result]} ${id.padEnd(17)} ${level.padEnd(6)} ${says}`];
  if (reason !== undefined) lines.push(`       ${reason}`);
  if (transcript !== undefined) lines.push(transcript.replace(/^/gm, '       | '));
  return `${lines.join('\n')}\n`;
}

function summary(verdicts: readonly Verdict[]): string {
  const count = (level: Case['level'], result: Verdict['result']): number =>
    verdicts.filter((verdict) => verdict.level === level && verdict.result === result).length;
  return (['MUST', 'SHOULD'] as const)
    .map((level) => {
      const [kept, broken, not] = (['kept', 'broken', 'not applicable'] as const).map((result) => count(level, result));
      return `${level}: ${kept} kept, ${broken} broken, ${not} not applicable`;
    })
    .join('\n');
}

if (import.meta.main) {
  const command = new Command('conformance:pop3')
    .description('How well does a POP3 server keep the RFCs? The maildrop is emptied: use one made for this.')
    .requiredOption('--host <host>')
    .option('--port <port>', 'port without TLS')
    .option('--tls-port <port>', 'port with TLS from the first byte')
    .requiredOption('--user <name>', 'whose maildrop; it is EMPTIED')
    .requiredOption('--password-file <file>')
    .requiredOption('--deliver <url>', 'where mail for it is taken: lmtp://host:port or smtp://host:port')
    .option('--to <address>', 'its address, where it is not the name')
    .option('--only <id>', 'cases whose id begins so: RFC2449')
    .option('--json')
    .parse();
  await main(command.opts<Options>());
}
