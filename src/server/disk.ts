/** What the log and the metrics tell of the room on the disk of the data directory. */
import type { Logger } from 'pino';
import { Gauge, type Registry } from 'prom-client';
import { formatSize } from '../config/units.ts';
import { freeBytesIn, type Room } from '../store/disk-space.ts';

/** One line when it begins, and one when it is over: until then every sender is told the same. */
export function tellDiskSpace({ low, freeBytes, reserveBytes }: Room, log: Logger): void {
  const facts = { free: formatSize(freeBytes), reserve: formatSize(reserveBytes) };
  if (low)
    log.error(facts, 'the disk is nearly full: no mail is taken in until there is room; reading and deleting go on');
  else log.info(facts, 'there is room on the disk again: mail is taken in');
}

export function countDisk(registry: Registry, data: string, isLow: () => boolean): void {
  new Gauge({
    name: 'rainmail_disk_free_bytes',
    help: 'Free bytes of the disk that holds the data directory.',
    registers: [registry],
    async collect() {
      this.set(await freeBytesIn(data));
    },
  });
  new Gauge({
    name: 'rainmail_disk_low',
    help: '1 while there is less room than store.reserve: no mail is taken in. An alarm.',
    registers: [registry],
    collect() {
      this.set(Number(isLow()));
    },
  });
}
