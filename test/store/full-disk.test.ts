/** A disk without a byte left, in a file system of the test's own. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { defer } from '../helpers/defer.ts';
import { appendTo, bytesOf, inboxOf, message, newAccount, openStore, temporaryFolder } from './helpers.ts';

const WATERMARK = { diskWatermarkBytes: 1 << 20 };

/** To the last byte. @returns the file that does it */
function fill(folder: string): string {
  const path = join(folder, 'filler');
  const file = openSync(path, 'w');
  try {
    for (let size = 1 << 20; size > 0; ) {
      try {
        writeSync(file, Buffer.alloc(size));
      } catch (error) {
        assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
        size >>= 1;
      }
    }
  } finally {
    closeSync(file);
  }
  return path;
}

const skip = process.getuid?.() === 0 ? false : 'only root makes file systems';

test('a store opens on a full disk by giving its reserve up; without one it says what to do', { skip }, async (t) => {
  const folder = await temporaryFolder(t);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=60m', 'none', folder]);
  defer(t, () => void execFileSync('umount', [folder]));
  const first = await openStore(t, folder, WATERMARK);
  const anna = await newAccount(first, 'anna');
  const uid = await appendTo(first, inboxOf(anna), 'one');
  await first.close();

  fill(folder);
  const store = await openStore(t, folder, { diskWatermarkBytes: 40 << 20 });
  assert.equal(store.diskLow, true);
  assert.throws(() => store.stage(100), { code: 'store.full' });
  assert.deepEqual(await bytesOf(store, inboxOf(anna), uid), message('one'));
  assert.deepEqual(await store.messages.expunge(inboxOf(anna), [uid]), [uid]);
  await store.close();

  const filler = fill(folder);
  await assert.rejects(openStore(t, folder, WATERMARK), {
    code: 'store.full',
    message: /^The disk of .* is full: .*Make some room/,
  });
  rmSync(filler);
  assert.equal((await openStore(t, folder, WATERMARK)).diskLow, false);
});
