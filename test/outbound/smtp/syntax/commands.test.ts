import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  isSayable,
  type MailFrom,
  mailFrom,
  oneLine,
  rcptTo,
  xtext,
} from '../../../../src/outbound/smtp/syntax/commands.ts';
import { Extensions } from '../../../../src/outbound/smtp/syntax/extensions.ts';
import { decodeXtext } from '../../../../src/smtp/syntax/notification.ts';
import { parsePath } from '../../../../src/smtp/syntax/path.ts';
import fc from '../../../helpers/properties.ts';

const PLAIN: MailFrom = {
  sender: 'anna@office.test',
  sizeBytes: 60,
  utf8: false,
  returns: undefined,
  envelopeId: undefined,
  requireTls: false,
};

const offering = (...lines: readonly string[]) => Extensions.in({ code: 250, lines: ['mx.test', ...lines] });
const ALL = offering('SIZE 1000', '8BITMIME', 'SMTPUTF8', 'DSN', 'REQUIRETLS', 'PIPELINING');

test('what a server does not offer it is not asked for', () => {
  const wanted: MailFrom = { ...PLAIN, utf8: true, returns: 'full', envelopeId: 'one+two', requireTls: true };
  assert.equal(
    mailFrom(wanted, ALL),
    'MAIL FROM:<anna@office.test> SMTPUTF8 BODY=8BITMIME SIZE=60 RET=FULL ENVID=one+2Btwo REQUIRETLS',
  );
  assert.equal(mailFrom({ ...wanted, requireTls: false }, Extensions.NONE), 'MAIL FROM:<anna@office.test>');
  assert.equal(mailFrom({ ...PLAIN, sender: '', returns: 'headers' }, offering('DSN')), 'MAIL FROM:<> RET=HDRS');
  assert.equal(mailFrom({ ...PLAIN, sizeBytes: 0 }, ALL), 'MAIL FROM:<anna@office.test> BODY=8BITMIME');

  const reports = { notify: ['success', 'delay'], original: 'rfc822;carl+x@example.net' };
  assert.equal(
    rcptTo('carl@example.net', reports, ALL),
    'RCPT TO:<carl@example.net> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;carl+2Bx@example.net',
  );
  assert.equal(rcptTo('carl@example.net', reports, Extensions.NONE), 'RCPT TO:<carl@example.net>');
  assert.equal(rcptTo('carl@example.net', { notify: [], original: '' }, ALL), 'RCPT TO:<carl@example.net>');
});

test('xtext is what our own server reads it as', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const encoded = xtext(text);
      assert.match(encoded, /^[\x21-\x7e]*$/);
      assert.equal(Buffer.from(decodeXtext(encoded), 'latin1').toString('utf8'), text);
    }),
  );
});

test('an address that can be written is the same to our own server, and one that would be more than an address is not written', () => {
  for (const address of [
    ...['a@b.test', '"a b"@c.test', '"a>b"@c.test', '"a\\"> SIZE=1"@c.test', 'zoë@d.test', 'e@[127.0.0.1]', ''],
  ]) {
    assert.equal(isSayable(address), true, address);
    assert.equal(parsePath(`<${Buffer.from(address).toString('latin1')}> X=1`).address, address);
  }
  for (const address of [
    ...['a@b.test> SIZE=1', 'a@b.test>\r\nRCPT TO:<c@d.test', 'a b@c.test', 'a\n@b.test', 'a\0@b.test', '<a@b.test'],
    ...['"a@b.test', '"a\r\n"@b.test', '"a\\\n"@b.test', '"a"b"@c.test', 'a\x7f@b.test'],
  ]) {
    assert.equal(isSayable(address), false, JSON.stringify(address));
  }
});

test('no command is more than a line, whatever stands in it', () => {
  const odd = fc.array(
    fc.constantFrom('a', '@', '<', '>', '"', '\\', ' ', '\r', '\n', '\0', '\u010d', '\u010a', '\u2028'),
  );
  const text = odd.map((letters) => letters.join(''));
  const run = (address: string, other: string) => {
    for (const write of [
      () => mailFrom({ ...PLAIN, sender: address, envelopeId: other }, ALL),
      () => rcptTo(address, { notify: [other], original: other }, ALL),
      () => oneLine(`EHLO ${address}`),
    ]) {
      const bytes = written(write);
      assert.ok(bytes === undefined || !/[\r\n\0]/.test(bytes));
    }
    // Brackets and parameters, too, are ours alone.
    if (!isSayable(address) || /[\r\n\0]/.test(address)) return;
    const [, path] = /^RCPT TO:(.*) NOTIFY=/s.exec(rcptTo(address, { notify: ['never'], original: '' }, ALL))!;
    assert.equal(path, `<${address}>`);
    const unquoted = path!.replace(/"(?:\\.|[^"\\])*"/gs, '');
    assert.equal(unquoted.search(/[ >]/), unquoted.length - 1);
  };
  fc.assert(fc.property(text, text, run), { numRuns: 2_000 });
});

/** Its bytes, one character each; undefined: it was refused. */
function written(write: () => string): string | undefined {
  try {
    return Buffer.from(write(), 'utf8').toString('latin1');
  } catch {
    return undefined;
  }
}

test('what a server offers is read whatever way it writes it', () => {
  const offered = offering('size 1000', 'Auth PLAIN login', 'AUTH=XOAUTH2', '', '-odd', 'STARTTLS ', 'X-Own=1 2');
  assert.deepEqual(
    ['SIZE', 'AUTH', 'STARTTLS', 'X-OWN', 'HELP', 'MX.TEST', 'ODD'].map((keyword) => offered.has(keyword)),
    [true, true, true, true, false, false, false],
  );
  assert.equal(offered.sizeLimit, 1_000);
  assert.deepEqual(offered.mechanisms, new Set(['PLAIN', 'LOGIN', 'XOAUTH2']));
  for (const size of ['SIZE', 'SIZE 0', 'SIZE -1', 'SIZE much', 'SIZE 10k', 'HELP']) {
    assert.equal(offering(size).sizeLimit, undefined, size);
  }
});
