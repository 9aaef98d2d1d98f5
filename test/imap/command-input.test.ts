import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { BadCommand } from '../../src/errors.ts';
import { CommandInput } from '../../src/imap/command-input.ts';
import { ConnectionLimits } from '../../src/net/limits.ts';
import { Listener } from '../../src/net/listener.ts';

const LIMIT = 200;

/** Reads commands until the end and keeps each as it was understood, or the mistake it was. */
async function reader(t: TestContext): Promise<{ port: number; read: string[] }> {
  const log = pino({ level: 'silent' });
  const read: string[] = [];
  const listener = await Listener.listen({
    protocol: {
      name: 'imap',
      idleTimeout: 60_000,
      strictLines: false,
      farewell: () => '',
      async serve(connection) {
        const input = new CommandInput(connection);
        for (;;) {
          try {
            const first = await input.line(LIMIT);
            if (first === null) break;
            read.push(await input.whole(first, LIMIT));
          } catch (error) {
            if (!(error instanceof BadCommand)) break;
            read.push(error.constructor.name);
            if (!(await input.skipRest(LIMIT))) break;
          }
        }
        connection.write('end');
        connection.end();
      },
    },
    addresses: [{ host: '127.0.0.1', port: 0 }],
    implicitTls: false,
    certificates: null,
    limits: new ConnectionLimits({ connections: 10, byAddress: 10, byAccount: 10 }),
    linesAWindow: 1_000_000,
    log,
    onInternalError: (_, error) => read.push(`fault: ${error}`),
  });
  t.after(() => listener.stop(0));
  return { port: listener.addresses[0]!.port, read };
}

/** Sends the pieces, each in a packet of its own, and waits for the end. */
async function say(port: number, pieces: readonly string[]): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  let heard = '';
  socket.setEncoding('latin1').on('data', (text: string) => (heard += text));
  for (const piece of pieces) {
    await new Promise<void>((resolve) => socket.write(Buffer.from(piece, 'latin1'), () => setImmediate(resolve)));
  }
  socket.end();
  await once(socket, 'close');
  return heard;
}

const COMMANDS = [
  'a NOOP\r\n',
  'a LOGIN {4+}\r\nanna {6+}\r\nsec\r\nt\r\n',
  'a LOGIN {0+}\r\n ""\r\n',
  'a APPEND x ~{3+}\r\n\0\xff{\r\n',
  'bare NOOP\n',
  `a TOO {${LIMIT}+}\r\n${'x'.repeat(LIMIT)} {2+}\r\nyz\r\n`,
  `a LONG ${'x'.repeat(LIMIT)}\r\n`,
  `a LONG ${'x'.repeat(LIMIT)} {8+}\r\nx NOOP\r\n\r\n`,
  'a "quoted {3}"\r\n',
];
const UNDERSTOOD = [
  'a NOOP',
  'a LOGIN {4+}\r\nanna {6+}\r\nsec\r\nt',
  'a LOGIN {0+}\r\n ""',
  'a APPEND x ~{3+}\r\n\0\xff{',
  'bare NOOP',
  'CommandTooLarge',
  'LineTooLong',
  'LineTooLong',
  'a "quoted {3}"',
];

test('commands are understood alike whether they come at once or byte by byte', async (t) => {
  const { port, read } = await reader(t);
  await say(port, [COMMANDS.join('')]);
  assert.deepEqual(read.splice(0), UNDERSTOOD);
  await say(port, [...COMMANDS.join('')]);
  assert.deepEqual(read, UNDERSTOOD);
});

test('a literal that waits is asked for, unless it is too large', async (t) => {
  const { port, read } = await reader(t);
  assert.equal(
    await say(port, ['a LOGIN {4}\r\n', 'anna pw\r\n', `b LOGIN {${LIMIT}}\r\n`, 'c NOOP\r\n']),
    '+ go ahead\r\nend',
  );
  assert.deepEqual(read, ['a LOGIN {4}\r\nanna pw', 'CommandTooLarge', 'c NOOP']);
});

test('many small literals are no way around the limit of a command', async (t) => {
  const { port, read } = await reader(t);
  await say(port, [`a SEARCH${' {9+}\r\nxxxxxxxxx'.repeat(40)}\r\n`, 'b NOOP\r\n']);
  assert.deepEqual(read, ['CommandTooLarge', 'b NOOP']);
});

test('a client that announces more than anybody would read is left', async (t) => {
  const { port, read } = await reader(t);
  assert.equal(await say(port, ['a LOGIN {4000000000+}\r\nx']), 'end');
  assert.deepEqual(read, ['CommandTooLarge']);
});

test('an end in the middle of a command is the end', async (t) => {
  const { port, read } = await reader(t);
  assert.equal(await say(port, ['a LOGIN {40+}\r\nx']), 'end');
  assert.deepEqual(read, []);
});
