import assert from 'node:assert/strict';
import type { Client, MailRoom } from '../helpers/mail-room.ts';

export const MESSAGE = 'Subject: hello\r\n\r\nA line.\r\n';

/** Takes a connection to where DATA or BDAT may follow. */
export async function addressed(room: MailRoom, to = ['anna']): Promise<Client> {
  const smtp = await room.connect('smtp');
  await smtp.ask('EHLO client.test');
  assert.match(await smtp.ask('MAIL FROM:<sender@elsewhere.test>'), /^250 /);
  for (const name of to) assert.match(await smtp.ask(`RCPT TO:<${name}@office.test>`), /^250 /);
  return smtp;
}

/** Sends all at once, and QUIT. @returns the last line of each reply, shortened to its codes */
export async function codes(client: Client, text: string): Promise<string[]> {
  client.send(`${text}QUIT\r\n`);
  const lines = (await client.untilEnd()).split('\r\n');
  return lines.filter((line) => /^\d{3} /.test(line)).map((line) => /^\d{3}(?: \d\.\d\.\d+)?/.exec(line)![0]);
}
