/**
 * Sees when two programs use the password of one device at the same time, which its view can't be safe for.
 *
 * A session that goes on after a newer one of the same credential has begun is another program's; one that merely hangs, since its line
 * broke, says nothing any more.
 */
import type { AccountId } from '../store/ids.ts';

export class DevicesInUse {
  readonly #newest = new Map<string, object>();
  readonly #report: (account: AccountId, credential: number) => void;

  /** @param report  called at most once a session */
  constructor(report: (account: AccountId, credential: number) => void) {
    this.#report = report;
  }

  /** A device's session begins. @returns to be asked at each command, and told at the end */
  begin(account: AccountId, credential: number): DeviceUse {
    const key = `${account}/${credential}`;
    const newest = this.#newest;
    const me = {};
    let reported = false;
    newest.set(key, me);
    return {
      goesOn: () => {
        const other = newest.get(key);
        if (reported || other === me || other === undefined) return;
        reported = true;
        this.#report(account, credential);
      },
      end: () => {
        if (newest.get(key) === me) newest.delete(key);
      },
    };
  }
}

export interface DeviceUse {
  goesOn(): void;
  end(): void;
}
