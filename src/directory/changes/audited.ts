/**
 * How every change of the directory is made, in somebody's name.
 *
 * Invariants
 * - Every change writes its audit entry in its own transaction: neither is there without the other.
 * - A change is durable when its promise resolves, and no answer of the directory is older from then on.
 */
import type { Reader, Writer } from '../../store/engine/engine.ts';
import { type AccountId, nowSeconds } from '../../store/ids.ts';
import { keepAdministrators } from '../access/administrators.ts';
import { recordAudit } from '../audit.ts';
import type { ChangeHost } from './host.ts';

/** What the audit says of a change; a function where that shows only once it is made. */
interface Told<T> {
  readonly action: string;
  readonly subject: string;
  readonly also?: readonly string[];
  readonly detail?: Detail | ((result: T) => Detail);
}

type Detail = Readonly<Record<string, unknown>>;

export class AuditedChanges {
  readonly host: ChangeHost;
  readonly actor: string;

  /** @param actor  who is behind the changes: `root on the command line` */
  constructor(host: ChangeHost, actor: string) {
    this.host = host;
    this.actor = actor;
  }

  /** One change with its audit entry, whole or not at all. @param allowed  refuses what is changed elsewhere */
  make<T>(
    { detail = {}, ...entry }: Told<T>,
    operation: (tx: Writer) => Promise<T>,
    allowed?: (tx: Reader) => Promise<void>,
  ): Promise<T> {
    return this.host.write(async (tx) => {
      await allowed?.(tx);
      const result = await operation(tx);
      const told = typeof detail === 'function' ? detail(result) : detail;
      await recordAudit(tx, { ...entry, actor: this.actor, detail: told }, nowSeconds());
      return result;
    });
  }

  /** One that may change what accounts may do; refused when it would shut out every administrator. @param whose  of these */
  async makeForAccess<T>(
    told: Told<T>,
    operation: (tx: Writer) => Promise<T>,
    whose: (result: T) => readonly AccountId[] | 'all',
    allowed?: (tx: Reader) => Promise<void>,
  ): Promise<T> {
    const result = await this.make(told, (tx) => this.keepAdministrators(tx, () => operation(tx)), allowed);
    await this.host.accessChanged(whose(result));
    return result;
  }

  /** Makes a change and takes it back: it would be refused by the same rules. */
  async tryOut(operation: (tx: Writer) => Promise<unknown>): Promise<void> {
    const takenBack = new Error('only tried');
    try {
      await this.host.write(async (tx) => {
        await this.keepAdministrators(tx, () => operation(tx));
        throw takenBack;
      });
    } catch (error) {
      if (error !== takenBack) throw error;
    }
  }

  /** Part of a change after which there must be an administrator still. @throws Refused `policy.lock-out` */
  keepAdministrators<T>(tx: Reader, operation: () => Promise<T>): Promise<T> {
    return keepAdministrators(tx, this.host.policy, operation);
  }
}
