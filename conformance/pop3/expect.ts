/** What cases expect, told in words when it is not so. */
import { type Connection, Failed, isErr, isOk } from './connection.ts';

export function ok(line: string, what: string): string {
  if (!isOk(line)) throw new Failed(`${what} was answered “${line}”, not +OK`);
  return line;
}

export function refused(line: string, what: string): string {
  if (!isErr(line)) throw new Failed(`${what} was answered “${line}”, not -ERR`);
  return line;
}

export function equal(actual: unknown, expected: unknown, what: string): void {
  if (!Object.is(actual, expected)) throw new Failed(`${what}: ${shown(actual)} instead of ${shown(expected)}`);
}

export function same(actual: readonly string[], expected: readonly string[], what: string): void {
  equal(actual.join('\n'), expected.join('\n'), what);
}

export function that(condition: boolean, otherwise: string): void {
  if (!condition) throw new Failed(otherwise);
}

/** Says the command, which must succeed. @returns its first line */
export async function says(connection: Connection, command: string): Promise<string> {
  return ok(await connection.ask(command), command);
}

/** Says the command, which must fail, and sees that the session is still there. @returns its answer */
export async function fails(connection: Connection, command: string): Promise<string> {
  return refused(await connection.ask(command), shown(command.replace(/^(PASS|AUTH \S+) .*/i, '$1 ...')));
}

/** The numbers of STAT. */
export async function stat(connection: Connection): Promise<{ readonly count: number; readonly size: number }> {
  const [, count, size] = (await says(connection, 'STAT')).split(' ');
  return { count: Number(count), size: Number(size) };
}

/** The whole message as RETR gives it, lines joined by CRLF, with the last one's. */
export async function retrieve(connection: Connection, number: number): Promise<string> {
  return (await connection.list(`RETR ${number}`)).map((line) => `${line}\r\n`).join('');
}

function shown(value: unknown): string {
  const text = String(value);
  return `“${text.length > 200 ? `${text.slice(0, 200)}...` : text}”`;
}
