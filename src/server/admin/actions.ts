/** All administrative actions, by name. */
import {
  addAccount,
  importAccounts,
  listAccounts,
  removeAccount,
  setAccountState,
  setPassword,
  setQuota,
} from './accounts.ts';
import type { Action } from './action.ts';
import { addAlias, listAliases, removeAlias } from './aliases.ts';
import { addAppPassword, listAppPasswords, revokeAppPassword } from './app-passwords.ts';
import { addDomain, listDomains, removeDomain } from './domains.ts';
import { holdAccount, listHolds, releaseAccount } from './hold.ts';
import { importMail } from './import-mail.ts';
import { status } from './status.ts';
import { listRemoved, purgeRemoved, restoreRemoved } from './undelete.ts';
import { verify } from './verify.ts';

const all = [
  addDomain,
  removeDomain,
  listDomains,
  addAccount,
  removeAccount,
  listAccounts,
  setPassword,
  setAccountState,
  setQuota,
  importAccounts,
  addAppPassword,
  listAppPasswords,
  revokeAppPassword,
  addAlias,
  removeAlias,
  listAliases,
  importMail,
  listRemoved,
  restoreRemoved,
  purgeRemoved,
  holdAccount,
  releaseAccount,
  listHolds,
  verify,
  status,
];

/** The input is checked by the action's own `input` before it runs. */
export const ACTIONS: ReadonlyMap<string, Action<never, unknown>> = new Map(
  all.map((one) => [one.name, one as Action<never, unknown>]),
);
