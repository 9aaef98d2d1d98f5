/** Before a message is taken back: from whom, and who has it already. */
import type { WaitingMail, WaitingRecipient } from '../../../outbound/own-mail.ts';
import { fact } from '../facts.ts';
import { checkbox, form } from '../forms.ts';
import { type Html, html } from '../html.ts';
import { moment } from '../times.ts';
import type { Visit } from '../visit.ts';
import { stateText, subjectOf } from './list.ts';
import { listed, QUESTION, TEXT } from './texts.ts';

/** With more recipients it is all of them, or none. */
const MOST_CHOICES = 50;

/** @param had  who has it already */
export function question(visit: Visit, mail: WaitingMail, had: readonly string[]): Html {
  const waiting = mail.recipients.filter(({ state }) => state !== 'tried');
  const tried = mail.recipients.filter(({ state }) => state === 'tried').map(({ address }) => address);
  const late = [
    ...(had.length > 0 ? [QUESTION.hadIt(listed(had))] : []),
    ...(tried.length > 0 ? [QUESTION.tried(listed(tried))] : []),
  ];
  return html`<h1>${QUESTION.title}</h1>
    <p class="lead">${QUESTION.lead}</p>
    <section class="card">
      <dl class="facts">
        ${fact(QUESTION.subject, subjectOf(mail))}
        ${fact(QUESTION.sent, moment(mail.created * 1_000))}
        ${
          waiting.length === 1 &&
          fact(
            QUESTION.one,
            waiting.map(({ address }) => address),
          )
        }
        ${
          late.length > 0 &&
          fact(
            QUESTION.had,
            late.map((line) => html`<span class="line">${line}</span>`),
          )
        }
      </dl>
      ${
        waiting.length === 0
          ? html`<p>${QUESTION.nobody}</p>`
          : form({
              visit,
              action: '/settings/trace/take-back',
              button: TEXT.stop,
              look: 'danger',
              children: [html`<input type="hidden" name="id" value=${mail.id} />`, choices(waiting)],
            })
      }
      <p class="actions"><a class="button quiet" href="/settings/trace">${QUESTION.keep}</a></p>
    </section>`;
}

function choices(waiting: readonly WaitingRecipient[]): Html {
  const [only, ...others] = waiting as [WaitingRecipient];
  if (others.length === 0) return html`<input type="hidden" name="recipient" value=${only.number} />`;
  if (waiting.length > MOST_CHOICES)
    return html`<p>${QUESTION.all(waiting.length)}</p><input type="hidden" name="all" value="on" />`;
  return html`<fieldset><legend>${QUESTION.choose}</legend>${waiting.map((each) =>
    checkbox({
      name: 'recipient',
      value: String(each.number),
      label: each.address,
      hint: [' ', stateText(each)],
      checked: true,
    }),
  )}</fieldset>`;
}
