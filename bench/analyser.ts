/** Measures the message analyser: `node bench/analyser.ts`. Prints microseconds a message, best of several rounds. */
import { analyse } from '../src/message/analyser.ts';

const HEADER = [
  'Return-Path: <mona@example.org>',
  'Received: from mail.example.org (mail.example.org [192.0.2.1]) by mx.office.test (Rainmail) with ESMTPS id 4XyZ1234;',
  '\tMon, 23 Nov 2026 03:08:32 +0000',
  'DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=s1; t=1795403312;',
  '\th=from:to:subject:date:message-id; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;',
  `\tb=${'AbCdEfGhIjKlMnOpQrStUvWxYz012345'.repeat(8)}`,
  'From: "Mona Lisa" <mona@example.org>',
  'To: Anna Berg <anna@office.test>, ben@office.test',
  'Cc: team: carl@office.test, Dora <dora@office.test>;',
  'Subject: Re: [sales] Invoice =?utf-8?Q?f=C3=BCr_M=C3=A4rz?=',
  'Date: Mon, 23 Nov 2026 04:08:30 +0100',
  'Message-ID: <20261123040830.1234@example.org>',
  'In-Reply-To: <20261122.77@office.test>',
  'References: <20261120.1@office.test> <20261122.77@office.test>',
  'MIME-Version: 1.0',
  'X-Mailer: Bench 1.0',
];
const LINE = 'The quick brown fox jumps over the lazy dog and runs away from the bench.\r\n';

function plain(bytes: number): Buffer {
  const head = `${[...HEADER, 'Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: 7bit'].join('\r\n')}\r\n\r\n`;
  return Buffer.from((head + LINE.repeat(Math.ceil(bytes / LINE.length))).slice(0, bytes));
}

function multipart(bytes: number): Buffer {
  const head = `${[...HEADER, 'Content-Type: multipart/mixed; boundary="=_outer"'].join('\r\n')}\r\n\r\n`;
  const texts =
    '--=_outer\r\nContent-Type: multipart/alternative; boundary="=_inner"\r\n\r\n' +
    `--=_inner\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n${LINE.repeat(5)}\r\n` +
    `--=_inner\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>${LINE.repeat(5)}</p>\r\n--=_inner--\r\n`;
  const file =
    '--=_outer\r\nContent-Type: application/pdf; name="invoice.pdf"\r\nContent-Transfer-Encoding: base64\r\n' +
    'Content-Disposition: attachment; filename="invoice.pdf"\r\n\r\n';
  const end = '\r\n--=_outer--\r\n';
  const room = Math.max(0, bytes - head.length - texts.length - file.length - end.length);
  const line = `${'QUJD'.repeat(19)}\r\n`;
  return Buffer.from(head + texts + file + line.repeat(Math.ceil(room / line.length)).slice(0, room) + end);
}

function microseconds(message: Buffer): number {
  const times = Math.max(20, Math.round(20_000_000 / message.length));
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 7; round++) {
    const start = process.hrtime.bigint();
    for (let index = 0; index < times; index++) analyse(message);
    best = Math.min(best, Number(process.hrtime.bigint() - start) / 1000 / times);
  }
  return best;
}

for (const [name, make] of Object.entries({ plain, multipart })) {
  for (const kilobytes of [2, 8, 100]) {
    const message = make(kilobytes * 1024);
    console.log(`${name.padEnd(10)} ${String(kilobytes).padStart(3)} KB  ${microseconds(message).toFixed(1)} µs`);
  }
}
