/** The page about one account, for people. */
import { formatSize } from '../config/units.ts';
import type { AccountPage } from '../directory/account-page.ts';
import type { AccountState, CredentialListing, Forwarding } from '../directory/types.ts';
import { counted } from './output.ts';

const STATES: Readonly<Record<AccountState, string>> = {
  active: 'active',
  suspended: 'suspended: nobody can sign in, mail is taken',
  closed: 'closed: nobody can sign in, mail is refused',
};

export function accountPageText(page: AccountPage): string {
  const { quota, heldSince, forwarding } = page;
  const [first] = quota.rules;
  const why = first === undefined ? 'no quota is set' : `set for ${first.scope}${first.name && ` ${first.name}`}`;
  const lines: readonly (readonly [what: string, text: string])[] = [
    ['Address', page.name],
    ['Name', page.displayName || 'none'],
    ['State', STATES[page.state]],
    ...(page.source === null ? [] : [['Lives in', page.source.toUpperCase()] as const]),
    ['Role', page.administrator ? 'administrator' : 'none'],
    ['Since', date(page.created)],
    ['Aliases', page.aliases.join(', ') || 'none'],
    ['Groups', page.groups.join(', ') || 'none'],
    ...(forwarding === null ? [] : [['Forwards', forwardingText(forwarding)] as const]),
    ['Mail', `${counted(page.messages, 'message')}, ${formatSize(page.usedBytes)}`],
    ['Quota', `${quota.quotaBytes === null ? 'unlimited' : formatSize(quota.quotaBytes)} (${why})`],
    ['Deleted', `${counted(page.retainedMessages, 'message')}, ${formatSize(page.retainedBytes)}, can be brought back`],
    ['Legal hold', heldSince === null ? 'no' : `since ${date(heldSince)}`],
    ...page.credentials.map((credential) => ['Sign-in', credentialText(credential)] as const),
  ];
  return lines.map(([what, text]) => `${`${what}:`.padEnd(12)}${text}`).join('\n');
}

function forwardingText({ to, keeps }: Forwarding): string {
  return `to ${to.join(', ')}; ${keeps ? 'a copy stays' : 'no copy stays'}`;
}

function credentialText({ kind, label, protocols, created, lastUse }: CredentialListing): string {
  return [
    kind === 'password' ? 'password' : `app password "${label}"`,
    ...(protocols === null ? [] : [`for ${protocols.join(' and ')}`]),
    `set ${date(created)}`,
    lastUse === null ? 'not used yet' : `last used ${date(lastUse.at)} (${lastUse.protocol} from ${lastUse.address})`,
  ].join(', ');
}

function date(seconds: number): string {
  return new Date(seconds * 1_000).toISOString().slice(0, 16).replace('T', ' ');
}
