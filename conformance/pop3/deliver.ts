/** Puts a message into the examined maildrop the way mail comes: by LMTP (RFC 2033) or SMTP (RFC 5321). Byte for byte. */
import { Connection } from './connection.ts';

export interface Delivery {
  readonly protocol: 'lmtp' | 'smtp';
  readonly host: string;
  readonly port: number;
  /** The address of the maildrop. */
  readonly recipient: string;
}

export async function deliver({ protocol, host, port, recipient }: Delivery, message: string | Buffer): Promise<void> {
  const connection = await Connection.open({ host, port, tls: false });
  try {
    await expect(connection, 2);
    for (const command of [
      `${protocol === 'lmtp' ? 'LHLO' : 'EHLO'} conformance.test`,
      'MAIL FROM:<conformance@conformance.test>',
      `RCPT TO:<${recipient}>`,
    ]) {
      connection.raw(`${command}\r\n`);
      await expect(connection, 2);
    }
    connection.raw('DATA\r\n');
    await expect(connection, 3);
    connection.raw(framed(message));
    await expect(connection, 2);
    connection.raw('QUIT\r\n');
    await expect(connection, 2);
  } finally {
    await connection.break();
  }
}

function framed(message: string | Buffer): Buffer {
  const text = message.toString('latin1').replace(/^\./gm, '..');
  return Buffer.from(text.endsWith('\r\n') ? `${text}.\r\n` : `${text}\r\n.\r\n`, 'latin1');
}

/** Reads a reply, which may have several lines. @throws Error for one of another kind */
async function expect(connection: Connection, kind: number): Promise<void> {
  for (;;) {
    const line = await connection.line();
    if (!line.startsWith(String(kind))) throw new Error(`the message can't be delivered: ${line}`);
    if (line[3] !== '-') return;
  }
}
