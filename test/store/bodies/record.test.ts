import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  bodyOf,
  decodeHeader,
  encodeHeader,
  HEADER_BYTES,
  type RecordHeader,
} from '../../../src/store/bodies/record.ts';
import { decodeFileHeader, encodeFileHeader, segmentIdOf } from '../../../src/store/bodies/segment-file.ts';
import fc from '../../helpers/properties.ts';
import { noise } from './helpers.ts';

const headers: fc.Arbitrary<RecordHeader> = fc.record({
  codec: fc.integer({ min: 0, max: 255 }),
  storedLength: fc.maxSafeNat(),
  length: fc.maxSafeNat(),
  checksum: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  hash: fc.uint8Array({ minLength: 32, maxLength: 32 }),
});

test('a header is read back as it was written, wherever it stands', () => {
  fc.assert(
    fc.property(headers, fc.nat({ max: 100 }), (header, at) => {
      const bytes = Buffer.concat([noise(at), encodeHeader(header), noise(5)]);
      const decoded = decodeHeader(bytes, at)!;
      assert.deepEqual(
        { ...decoded, hash: Uint8Array.from(decoded.hash) },
        { ...header, hash: Uint8Array.from(header.hash) },
      );
    }),
  );
});

test('a header with any one bit changed, or cut anywhere, is no header', () => {
  const sound = encodeHeader({ codec: 0, storedLength: 70_000, length: 70_000, checksum: 12_345, hash: noise(32) });
  for (let bit = 0; bit < HEADER_BYTES * 8; bit++) {
    const changed = Buffer.from(sound);
    changed[bit >> 3]! ^= 1 << (bit & 7);
    assert.equal(decodeHeader(changed), null, `bit ${bit}`);
  }
  for (let length = 0; length < HEADER_BYTES; length++) assert.equal(decodeHeader(sound.subarray(0, length)), null);
});

test('arbitrary bytes are never taken for a header and never throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat({ max: 250 }), (bytes, at) => {
      assert.equal(decodeHeader(Buffer.from(bytes), at), null);
      assert.equal(decodeFileHeader(Buffer.from(bytes)), null);
    }),
  );
});

test('a hash of the wrong length is not written', () => {
  const header = { codec: 0, storedLength: 1, length: 1, checksum: 1, hash: new Uint8Array(20) };
  assert.throws(() => encodeHeader(header), /hash has 32 bytes/);
});

test('a record that was cut gives no body', () => {
  const body = noise(100);
  const address = { segment: 1, offset: 0, length: 100, storedLength: 100, codec: 0, hash: noise(32) };
  const header = encodeHeader({ ...address, checksum: 0x0ff1ce });
  const record = Buffer.concat([header, body]);
  for (let length = 0; length <= record.length; length++)
    assert.equal(bodyOf(record.subarray(0, length), 0, address), null);
});

test('the header of a segment file names its id, and is nothing with any one bit changed', () => {
  for (const id of [1, 7, 123_456_789, 2 ** 32 - 1]) {
    const sound = encodeFileHeader(id);
    assert.equal(decodeFileHeader(sound), id);
    for (let bit = 0; bit < sound.length * 8; bit++) {
      const changed = Buffer.from(sound);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      assert.equal(decodeFileHeader(changed), null, `bit ${bit}`);
    }
  }
});

test('only names of segments are taken for segments', () => {
  assert.equal(segmentIdOf('00000012.seg'), 12);
  assert.equal(segmentIdOf('4294967295.seg'), 2 ** 32 - 1);
  for (const name of ['12.seg', '00000012.part', '00000012.seg~', 'x00000012.seg', '00000012.seg.bak', 'lost+found']) {
    assert.equal(segmentIdOf(name), null, name);
  }
});
