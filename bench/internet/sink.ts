/**
 * Those who take the mail that is relayed: every destination at its own address, one port, one process. They take everything, keep nothing, and count
 * messages and when the last came. What is asked of the process over its channel is answered there with {@link Taken}.
 */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { DESTINATIONS, destinationAddress } from './destinations.ts';

export interface Taken {
  readonly messages: number;
  readonly connections: number;
  /** Milliseconds since 1970, when the last message had come; 0 before the first. */
  readonly last: number;
}

/** A client that sends no line end for so long is no mail server. */
const LONGEST_LINE = 64 << 10;
const END = Buffer.from('\r\n.\r\n');

let [messages, connections, last] = [0, 0, 0];

function serve(socket: Socket): void {
  connections++;
  let rest: Buffer = Buffer.alloc(0);
  let inData = false;
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.write('220 sink.example ESMTP\r\n');
  socket.on('data', (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let replies = '';
    for (;;) {
      if (inData) {
        const end = rest.indexOf(END);
        if (end < 0) {
          rest = rest.subarray(Math.max(0, rest.length - END.length + 1)); // the content is nobody's here
          break;
        }
        rest = rest.subarray(end + END.length);
        inData = false;
        messages++;
        last = Date.now();
        replies += '250 2.0.0 taken\r\n';
        continue;
      }
      const end = rest.indexOf('\r\n');
      if (end < 0) break;
      const verb = rest.toString('latin1', 0, Math.min(end, 4)).toUpperCase();
      // A message may be empty: the dot is then the first line, which the CRLF of DATA begins.
      rest = rest.subarray(verb === 'DATA' ? end : end + 2);
      if (verb === 'DATA') inData = true;
      replies += REPLIES[verb] ?? '250 2.0.0 fine\r\n';
      if (verb === 'QUIT') {
        socket.end(replies);
        return;
      }
    }
    if (replies !== '') socket.write(replies);
    if (!inData && rest.length > LONGEST_LINE) socket.destroy();
  });
}

const REPLIES: Readonly<Record<string, string>> = {
  EHLO: '250-sink.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250 SIZE 100000000\r\n',
  DATA: '354 go on\r\n',
  QUIT: '221 2.0.0 bye\r\n',
};

const port = Number(process.argv[2]);
for (let number = 0; number < DESTINATIONS; number++) {
  const server = createServer(serve);
  server.listen(port, destinationAddress(number));
  await once(server, 'listening');
}
process.on('message', () => process.send!({ messages, connections, last } satisfies Taken));
process.on('disconnect', () => process.exit());
process.send!('ready');
