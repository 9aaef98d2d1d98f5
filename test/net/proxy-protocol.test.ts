import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BadCommand } from '../../src/errors.ts';
import { MOST_PROXY_HEADER, type ProxyHeader, parseProxyHeader } from '../../src/net/proxy-protocol.ts';
import fc from '../helpers/properties.ts';

const latin1 = (text: string) => Buffer.from(text, 'latin1');
const SIGNATURE = '\r\n\r\n\0\r\nQUIT\n';

/** A header of version 2. */
function v2(command: number, family: number, rest: Buffer): Buffer {
  const head = latin1(`${SIGNATURE}____`);
  head[12] = 0x20 | command;
  head[13] = family;
  head.writeUInt16BE(rest.length, 14);
  return Buffer.concat([head, rest]);
}

const v6Ends = Buffer.from(`20010db8${'0'.repeat(22)}07${'0'.repeat(20)}ffffc0000201fff003e1`, 'hex');
const good: [name: string, bytes: Buffer, ends: ProxyHeader['ends']][] = [
  [
    'version 1, IPv4',
    latin1('PROXY TCP4 192.0.2.1 198.51.100.1 65535 993\r\n'),
    { remoteAddress: '192.0.2.1', localAddress: '198.51.100.1', remotePort: 65535, localPort: 993 },
  ],
  [
    'version 1, IPv6',
    latin1('PROXY TCP6 2001:db8::1 2001:db8::2 0 993\r\n'),
    { remoteAddress: '2001:db8::1', localAddress: '2001:db8::2', remotePort: 0, localPort: 993 },
  ],
  ['version 1, unknown', latin1('PROXY UNKNOWN\r\n'), null],
  ['version 1, unknown with something', latin1('PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n'), null],
  [
    'version 2, IPv4',
    v2(1, 0x11, Buffer.from('c0000201c6336401fff003e1', 'hex')),
    { remoteAddress: '192.0.2.1', localAddress: '198.51.100.1', remotePort: 65520, localPort: 993 },
  ],
  [
    'version 2, IPv4 with additions',
    v2(1, 0x11, Buffer.from('c0000201c6336401fff003e1030004deadbeef', 'hex')),
    { remoteAddress: '192.0.2.1', localAddress: '198.51.100.1', remotePort: 65520, localPort: 993 },
  ],
  [
    'version 2, IPv6 and IPv4 within IPv6',
    v2(1, 0x21, v6Ends),
    { remoteAddress: '2001:db8::7', localAddress: '192.0.2.1', remotePort: 65520, localPort: 993 },
  ],
  ['version 2, local', v2(0, 0x11, Buffer.alloc(12)), null],
  ['version 2, local and empty', v2(0, 0, Buffer.alloc(0)), null],
  ['version 2, Unix sockets', v2(1, 0x31, Buffer.alloc(216)), null],
];

for (const [name, bytes, ends] of good) {
  test(`a PROXY header is read whole and byte by byte: ${name}`, () => {
    for (let i = 0; i < bytes.length; i++) assert.equal(parseProxyHeader(bytes.subarray(0, i)), undefined);
    assert.deepEqual(parseProxyHeader(bytes), { length: bytes.length, ends });
    assert.deepEqual(parseProxyHeader(Buffer.concat([bytes, latin1('\x16\x03\x01 client')])), {
      length: bytes.length,
      ends,
    });
  });
}

const bad: [name: string, bytes: Buffer][] = [
  ['another protocol', latin1('EHLO')],
  ['lower case', latin1('proxy TCP4')],
  ['no family', latin1('PROXY \r\n')],
  ['an unknown family', latin1('PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n')],
  ['too few fields', latin1('PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n')],
  ['too many fields', latin1('PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n')],
  ['two spaces', latin1('PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n')],
  ['an address of the other family', latin1('PROXY TCP4 ::1 192.0.2.2 1 2\r\n')],
  ['a name for an address', latin1('PROXY TCP4 localhost 192.0.2.2 1 2\r\n')],
  ['a port that is too large', latin1('PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n')],
  ['a port with a sign', latin1('PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n')],
  ['a port with a leading zero', latin1('PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n')],
  ['an empty port', latin1('PROXY TCP4 192.0.2.1 192.0.2.2 1 \r\n')],
  ['no end', latin1(`PROXY UNKNOWN ${'x'.repeat(100)}`)],
  ['an end that comes too late', latin1(`PROXY UNKNOWN ${'x'.repeat(100)}\r\n`)],
  ['a broken signature', latin1('\r\n\r\n\0\r\nQUIT\r')],
  ['version 3', latin1(`${SIGNATURE}\x31\x11\0\0`)],
  ['an unknown command', v2(2, 0x11, Buffer.alloc(12))],
  ['too few bytes for IPv4', v2(1, 0x11, Buffer.alloc(11))],
  ['too few bytes for IPv6', v2(1, 0x21, Buffer.alloc(35))],
  ['more bytes than anybody needs', v2(1, 0x11, Buffer.alloc(5000))],
];

for (const [name, bytes] of bad) {
  test(`a PROXY header is refused: ${name}`, () => {
    assert.throws(() => parseProxyHeader(bytes), BadCommand);
    for (let i = 0; i < bytes.length; i++) {
      try {
        assert.equal(parseProxyHeader(bytes.subarray(0, i)), undefined);
      } catch (error) {
        assert.ok(error instanceof BadCommand);
        break;
      }
    }
  });
}

test('any bytes give a header within them, a wish for more, or a refusal', () => {
  const beginning = fc.constantFrom(
    '',
    'PROXY ',
    'PROXY TCP4 ',
    'PROXY TCP6 ',
    'PROXY UNKNOWN',
    SIGNATURE,
    `${SIGNATURE}\x21\x11\0`,
  );
  fc.assert(
    fc.property(beginning, fc.uint8Array({ maxLength: MOST_PROXY_HEADER + 100 }), (start, rest) => {
      const bytes = Buffer.concat([latin1(start), rest]);
      try {
        const header = parseProxyHeader(bytes);
        if (header === undefined) assert.ok(bytes.length < MOST_PROXY_HEADER);
        else assert.ok(header.length <= bytes.length && header.length <= MOST_PROXY_HEADER);
      } catch (error) {
        assert.ok(error instanceof BadCommand);
      }
    }),
    { numRuns: 2000 },
  );
});

test('a header that was changed in one byte is read or refused, never a fault', () => {
  for (const [, bytes] of good) {
    for (let at = 0; at < bytes.length; at++) {
      for (const value of [0, 9, 10, 13, 32, 48, 58, 127, 128, 255]) {
        const changed = Buffer.from(bytes);
        changed[at] = value;
        try {
          parseProxyHeader(changed);
        } catch (error) {
          assert.ok(error instanceof BadCommand);
        }
      }
    }
  }
});
