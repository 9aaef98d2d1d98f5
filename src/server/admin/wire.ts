/**
 * The admin protocol: JSON values, one a line, over a socket in the data directory that only its owner may open. The client sends one
 * {@link Request}; the server answers with any number of `progress` and one `result` or `error`, and closes.
 */
import { closeSync, constants, openSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import type { Readable } from 'node:stream';
import { BadCommand } from '../../errors.ts';
import type { Progress } from '../../progress.ts';

export interface Request {
  readonly action: string;
  readonly input: unknown;
  /** Who asks, for the audit: whoever may open the socket may do everything, so it is taken as said. */
  readonly actor: string;
  /** A command that waits for something asks once more: not worth a line in the log. */
  readonly again?: boolean;
}

export type Answer =
  | { readonly progress: Progress }
  | { readonly result: unknown }
  | { readonly error: { readonly code: string; readonly text: string } };

/** A request may carry a CSV file of accounts. */
export const MOST_LINE_BYTES = 64 << 20;

/** The values of a stream of JSON lines; the stream stays open. @throws BadCommand for a line that is too long or no JSON */
export async function* jsonLines(stream: Readable): AsyncGenerator<unknown, void> {
  let parts: Buffer[] = [];
  let length = 0;
  const chunks: AsyncIterable<Buffer> = stream.iterator({ destroyOnReturn: false });
  for await (const chunk of chunks) {
    let rest = chunk;
    for (let end = rest.indexOf(10); end !== -1; end = rest.indexOf(10)) {
      yield parse(Buffer.concat([...parts, rest.subarray(0, end)]));
      parts = [];
      length = 0;
      rest = rest.subarray(end + 1);
    }
    parts.push(rest);
    length += rest.length;
    if (length > MOST_LINE_BYTES) throw new BadCommand('the request is too long');
  }
}

function parse(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString('utf8'));
  } catch (error) {
    throw new BadCommand('the line is not JSON', { cause: error });
  }
}

/** The admin socket of a data directory. */
export function socketPath(data: string): string {
  return join(data, 'admin.sock');
}

/** sun_path of the strictest system (macOS: 104 bytes with its NUL). */
const MOST_SOCKET_PATH = 103;

/**
 * The socket's path in a form that is short enough for the system: as it is, relative, or through the open directory (Linux).
 * Call `release` when the socket is closed.
 */
export function shortPath(path: string): { path: string; release: () => void } {
  const nothing = () => {};
  for (const form of [path, relative(process.cwd(), path)]) {
    if (Buffer.byteLength(form) <= MOST_SOCKET_PATH) return { path: form, release: nothing };
  }
  if (process.platform !== 'linux') return { path, release: nothing }; // the system's own error will say it
  const directory = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  return { path: `/proc/self/fd/${directory}/${basename(path)}`, release: () => closeSync(directory) };
}
