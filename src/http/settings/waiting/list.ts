/** What has not left yet: why each message waits, until when, and what its sender may do. */
import type { WaitingMail, WaitingRecipient } from '../../../outbound/own-mail.ts';
import { form } from '../forms.ts';
import { type Html, html } from '../html.ts';
import { moment } from '../times.ts';
import type { Visit } from '../visit.ts';
import { listed, TEXT } from './texts.ts';

/** Reasons told of one message; each of a thousand recipients may have its own. */
const MOST_REASONS = 5;
const LONGEST_SUBJECT = 120;
/** What a server says may be long. */
const LONGEST_SAYING = 300;

export function waitingItem(visit: Visit, mail: WaitingMail): Html {
  const { created, expires, recipients } = mail;
  const reasons = [...Map.groupBy(recipients, ({ state, next, said }) => JSON.stringify([state, next, said])).values()];
  const isGivenUp = recipients.some(({ state }) => state !== 'later' && state !== 'held');
  return html`<li class="message">
    <strong>${subjectOf(mail)}</strong>
    <p class="hint">
      <span class="line">${TEXT.sent} ${moment(created * 1_000)}</span>
      ${isGivenUp && html`<span class="line">${TEXT.until} ${moment(expires * 1_000)}</span>`}
    </p>
    <ul class="plain reasons">
      ${reasons.slice(0, MOST_REASONS).map((those) => reason(visit, those))}
      ${reasons.length > MOST_REASONS && html`<li>${TEXT.andMore(reasons.slice(MOST_REASONS).flat().length)}</li>`}
    </ul>
    ${waitingActions(visit, mail)}
  </li>`;
}

/** What its sender may do with a message. */
export function waitingActions(visit: Visit, mail: WaitingMail): Html {
  const { id, recipients } = mail;
  const about = (what: string) => `${what}: ${subjectOf(mail)}`;
  const isAny = (state: WaitingRecipient['state']) => recipients.some((each) => each.state === state);
  const hurry = isAny('later') ? TEXT.sendNow : TEXT.tryAgain;
  return html`<div class="actions row">
    ${
      visit.parts.ownMail.leaves &&
      (isAny('later') || isAny('retry')) &&
      form({
        visit,
        action: '/settings/trace/hasten',
        button: hurry,
        look: 'quiet',
        about: about(hurry),
        children: html`<input type="hidden" name="id" value=${id} />`,
      })
    }
    ${
      recipients.some(({ state }) => state !== 'tried') &&
      html`<a class="button danger" href=${`/settings/trace?stop=${id}`} aria-label=${about(TEXT.stop)}>${TEXT.stop}</a>`
    }
  </div>`;
}

export function subjectOf({ subject }: Pick<WaitingMail, 'subject'>): string {
  if (subject.trim() === '') return TEXT.noSubject;
  const characters = [...subject];
  return characters.length <= LONGEST_SUBJECT ? subject : `${characters.slice(0, LONGEST_SUBJECT - 1).join('')}…`;
}

/** @param those  who wait for the same */
function reason({ parts: { ownMail } }: Visit, those: readonly WaitingRecipient[]): Html {
  const [first] = those as [WaitingRecipient];
  return html`<li>
    <span class="line">${listed(those.map(({ address }) => address))}</span>
    <span class="line">${ownMail.leaves || first.state === 'held' ? stateText(first) : TEXT.stopped}</span>
    ${first.said !== '' && html`<span class="line hint">${TEXT.said} ${first.said.slice(0, LONGEST_SAYING)}</span>`}
  </li>`;
}

export function stateText({ state, next, why }: WaitingRecipient): Html {
  const text = TEXT.states[state];
  switch (state) {
    case 'soon':
    case 'tried':
    case 'held':
      return text;
    case 'later':
      return [`${text} `, when(next), '.'];
    case 'away':
      return [`${text} `, when(next), '.'];
    case 'retry':
      return [`${why()} ${text} `, when(next), '.'];
  }
}

function when(next: WaitingRecipient['next']): Html {
  return next !== null && moment(next * 1_000);
}
