import fs from 'node:fs';
import { join } from 'node:path';
import { options } from '../options.mjs';

/** What the disk can do at best: a 4 KB append and a fdatasync, one after the other. */
export async function disk() {
  const file = join(options.dir, `disk.${process.pid}`);
  const descriptor = fs.openSync(file, 'a');
  const block = Buffer.alloc(4096, 120);
  let ops = 0;
  const begin = performance.now();
  while (performance.now() - begin < options.secs * 1000) {
    fs.writeSync(descriptor, block);
    fs.fdatasyncSync(descriptor);
    ops++;
  }
  const secs = (performance.now() - begin) / 1000;
  fs.closeSync(descriptor);
  fs.unlinkSync(file);
  return { ops, secs, perSec: ops / secs };
}
