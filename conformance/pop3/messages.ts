/** Messages for the cases. Servers put trace lines before them; what follows must come back byte for byte. */

let serial = 0;

/** A small message that no other one is like. */
export function message(body = 'Hello.\r\n', header = ''): string {
  serial += 1;
  return [
    'From: Ben <ben@conformance.test>\r\n',
    'To: Anna <anna@conformance.test>\r\n',
    `Subject: conformance ${process.pid}-${serial}\r\n`,
    `Message-ID: <${process.pid}-${serial}@conformance.test>\r\n`,
    'Date: Mon, 23 Nov 2026 10:00:00 +0000\r\n',
    header,
    '\r\n',
    body,
  ].join('');
}

/** The Subject line, by which a message is known. */
export function subjectOf(text: string): string {
  return /^Subject: .*$/m.exec(text)?.[0].trimEnd() ?? '';
}
