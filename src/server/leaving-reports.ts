/**
 * Reports that leave themselves, for senders elsewhere: what sends the queue hears of them as soon as they are in it, that is when what they tell of is
 * settled, and not only when it looks at everything again.
 */
import type { RecipientOutcome, Reporter } from '../outbound/types.ts';
import type { QueuedMessage, Report } from '../store/queue.ts';

export class LeavingReports implements Reporter {
  readonly #reporter: Reporter;
  readonly #wake: (destinations: Iterable<string>) => void;
  /** Where the report on an outcome goes, until that is settled; forgotten with an outcome that never is. */
  readonly #destinations = new WeakMap<RecipientOutcome, ReadonlySet<string>>();

  constructor(reporter: Reporter, wake: (destinations: Iterable<string>) => void) {
    this.#reporter = reporter;
    this.#wake = wake;
  }

  async report(message: QueuedMessage, outcomes: readonly RecipientOutcome[]): Promise<Report | undefined> {
    const report = await this.#reporter.report(message, outcomes);
    const destinations = new Set(report?.outbound.flatMap((each) => each.recipients.map((one) => one.destination)));
    for (const outcome of outcomes) if (destinations.size > 0) this.#destinations.set(outcome, destinations);
    return report;
  }

  /** What became of a recipient is settled, and with it the report on it. */
  settled(outcome: RecipientOutcome): void {
    const destinations = this.#destinations.get(outcome);
    if (destinations !== undefined) this.#wake(destinations);
  }
}
