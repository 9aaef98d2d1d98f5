/**
 * Whether the DNS answers, as the log, the metrics and the health page tell of it. Without it no mail leaves, and nothing is known of who brings it: the
 * first thing to know in a bad night.
 */
import type { Logger } from 'pino';
import { Counter, Gauge, type Registry } from 'prom-client';
import { ASKED, type Asked } from '../dns/resolver.ts';

/** One question may be lost; so many in a row are not. */
const UNANSWERED = 3;

export class DnsWatch {
  readonly #log: Logger;
  readonly #questions: Counter<'result'>;
  #unanswered = 0;
  /** Why; undefined: it answers. */
  #away: string | undefined;

  constructor(registry: Registry, log: Logger) {
    this.#log = log;
    const registers = [registry];
    this.#questions = new Counter({
      name: 'rainmail_dns_questions_total',
      help: 'Questions to DNS servers, by what came of them: answered, failed (they could not say), unanswered.',
      labelNames: ['result'],
      registers,
    });
    for (const result of ASKED) this.#questions.inc({ result }, 0);
    const isAway = () => Number(this.#away !== undefined);
    new Gauge({
      name: 'rainmail_dns_away',
      help: '1 while none of the DNS servers answers: no mail leaves. An alarm.',
      registers,
      collect() {
        this.set(isAway());
      },
    });
  }

  /** For a resolver: what came of a question. */
  readonly onAsked = (result: Asked, why: string): void => {
    this.#questions.inc({ result });
    if (result !== 'unanswered') {
      if (this.#away !== undefined) this.#log.info('the DNS answers again');
      this.#unanswered = 0;
      this.#away = undefined;
      return;
    }
    this.#unanswered++;
    if (this.#unanswered < UNANSWERED) return;
    if (this.#away === undefined)
      this.#log.error({ why }, 'no DNS server answers: mail to other servers waits until one does');
    this.#away = why;
  };

  /** For the health page. */
  report(): { readonly answers: boolean; readonly why: string | null } {
    return { answers: this.#away === undefined, why: this.#away ?? null };
  }
}
