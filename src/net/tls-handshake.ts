import type { TLSSocket } from 'node:tls';
import { BadCommand } from '../errors.ts';
import type { Milliseconds } from '../store/ids.ts';

const TIMEOUT: Milliseconds = 30_000;

/** Waits for the end of a handshake. @throws BadCommand, with the socket destroyed, when it fails or takes too long */
export function handshake(tls: TLSSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => tls.destroy(new Error('the TLS handshake took too long')), TIMEOUT);
    const finish = (failed: boolean) => {
      clearTimeout(timer);
      tls.off('secure', succeeded).off('end', broken).off('close', broken);
      if (!failed) return resolve();
      tls.destroy();
      reject(new BadCommand('the TLS handshake failed', { cause: tls.errored }));
    };
    const succeeded = () => finish(false);
    const broken = () => finish(true);
    tls.on('secure', succeeded).on('end', broken).on('close', broken);
  });
}
