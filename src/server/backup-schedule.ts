/**
 * Makes the backups that are due, prunes after each, and tries a restore now and then. What was missed while the machine was off, or asleep,
 * is due at once. What failed is tried again an hour later. An alarm that nobody hears is no alarm: the log says what failed, and the metrics how
 * old the last good backup is and whether that is too old (`rainmail_backup_overdue`).
 */
import type { Logger } from 'pino';
import { lastDue, type Schedule } from '../config/schedule.ts';
import { formatSize } from '../config/units.ts';
import { Refused } from '../errors.ts';
import type { Milliseconds } from '../store/ids.ts';
import type { Run } from './admin/action.ts';
import type { Backups } from './backups.ts';

const LOOK_EVERY: Milliseconds = 60_000;
const RETRY_AFTER: Milliseconds = 3_600_000;

export interface ScheduleOptions {
  readonly backups: Pick<Backups, 'state' | 'run' | 'prune' | 'test'>;
  readonly schedule: Schedule;
  readonly testRestore: Schedule;
  readonly log: Logger;
  readonly onInternalError: () => void;
}

type Task = 'backup' | 'test restore';

export class BackupSchedule {
  readonly #options: ScheduleOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #stopping = new AbortController();
  /** When a task may be tried again, after it failed. */
  readonly #notBefore = new Map<Task, number>();
  #running: Promise<void> | undefined;
  #overdueTold = false;

  /** Looks at once, and every minute. */
  constructor(options: ScheduleOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.look(), LOOK_EVERY).unref();
    this.look();
  }

  /** Begins what is due, unless something runs. */
  look(now: Date = new Date()): void {
    this.#tellOverdue(now);
    if (this.#running !== undefined || this.#stopping.signal.aborted) return;
    const task = this.#due(now);
    if (task === undefined) return;
    this.#running = this.#perform(task, now).finally(() => {
      this.#running = undefined;
    });
  }

  /** Stops what runs, and waits until it has. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#stopping.abort();
    await this.#running;
  }

  #due(now: Date): Task | undefined {
    const { schedule, testRestore, backups } = this.#options;
    const { repository, last, tested } = backups.state(now.getTime());
    if (repository === null) return undefined;
    const isDue = (task: Task, when: Schedule, done: number | undefined): boolean => {
      const due = lastDue(when, now);
      if (due === null || (this.#notBefore.get(task) ?? 0) > now.getTime()) return false;
      return done === undefined || done * 1_000 < due.getTime();
    };
    if (isDue('backup', schedule, last?.taken)) return 'backup';
    if (last !== null && isDue('test restore', testRestore, tested?.at ?? last.taken)) return 'test restore';
    return undefined;
  }

  /** Never rejects. */
  async #perform(task: Task, now: Date): Promise<void> {
    const { log } = this.#options;
    const run: Run = { actor: 'the schedule', progress: () => {}, signal: this.#stopping.signal };
    try {
      if (task === 'backup') await this.#backUp(run);
      else await this.#test(run);
      this.#notBefore.delete(task);
    } catch (error) {
      this.#notBefore.set(task, now.getTime() + RETRY_AFTER);
      if (this.#stopping.signal.aborted) return log.info(`the ${task} was stopped with the server`);
      if (!(error instanceof Refused)) this.#options.onInternalError();
      log.error({ err: error }, `the ${task} failed and will be tried again in an hour`);
    }
  }

  async #backUp(run: Run): Promise<void> {
    const { backups, log } = this.#options;
    const { id, bytes, added, milliseconds, leftOut } = await backups.run(run);
    log.info({ id, size: formatSize(bytes), new: formatSize(added), milliseconds }, 'made a backup');
    if (leftOut.length > 0) log.error({ leftOut }, 'the backup lacks what could not be read: see rainmail verify');
    try {
      const { snapshotsRemoved, snapshotsKept, bytesFreed } = await backups.prune({}, run);
      log.info(
        { removed: snapshotsRemoved, kept: snapshotsKept, freed: formatSize(Math.max(0, bytesFreed)) },
        'pruned the backups',
      );
    } catch (error) {
      // The backup is made; somebody reads the repository, or a file in it is damaged. The next night tries again.
      if (!(error instanceof Refused)) throw error;
      log.warn({ err: error }, 'old backups were not removed');
    }
  }

  async #test(run: Run): Promise<void> {
    const { backups, log } = this.#options;
    const { id, messages, whole, findings } = await backups.test(run);
    if (findings.length === 0)
      log.info({ id, messages, whole }, 'a restore of the newest backup was tried: all is whole');
    else
      log.error(
        { id, findings: findings.slice(0, 20) },
        'a restore of the newest backup was tried, and it is not whole',
      );
  }

  /** Once, until a backup is made again. */
  #tellOverdue(now: Date): void {
    const { overdue, repository, last } = this.#options.backups.state(now.getTime());
    if (overdue && !this.#overdueTold) {
      const made = last === null ? 'never' : new Date(last.taken * 1_000).toISOString();
      this.#options.log.error({ repository, lastGood: made }, 'the last good backup is too old: see rainmail status');
    }
    this.#overdueTold = overdue;
  }
}
