/** What a report says to a person, in one language. `{name}` stands for what is filled in. */
import type { Reason } from './reason.ts';
import type { Action } from './told.ts';

/** For one address, and for several. */
export interface Counted {
  readonly one: string;
  readonly other: string;
}

export interface ReportTexts {
  /** Who writes, in the From field. */
  readonly writer: string;
  /** `{subject}`: of the message. */
  readonly subject: Readonly<Record<Action, string>>;
  readonly noSubject: string;
  /** What became of the message; addresses follow. */
  readonly opening: Readonly<Record<Action, Counted>>;
  /** `{domain}`: of the recipient; `{sender}`, `{size}`: of the message. */
  readonly reasons: Readonly<Record<Reason, string>>;
  /** `{duration}`: such as `5 days`. */
  readonly triedFor: string;
  /** `{until}`: a date. */
  readonly goesOn: string;
  /** `{server}`, `{answer}` */
  readonly answered: string;
  /** Nobody answered; `{detail}` */
  readonly detail: string;
  /** `{subject}`, `{sent}`: of the message. */
  readonly labels: { readonly subject: string; readonly sent: string };
  readonly attached: { readonly whole: string; readonly header: string };
}
