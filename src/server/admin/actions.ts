/** All administrative actions, by name. */
import {
  addAccount,
  listAccounts,
  removeAccount,
  renameAccount,
  setAccountName,
  setAccountState,
  setAdministrator,
  setPassword,
  showAccount,
} from './accounts.ts';
import type { Action } from './action.ts';
import { addAlias, listAliases, removeAlias, renameAlias } from './aliases.ts';
import { addAppPassword, listAppPasswords, revokeAppPassword } from './app-passwords.ts';
import { listAudit } from './audit.ts';
import {
  initBackup,
  listBackups,
  pruneBackups,
  runBackup,
  showBackupKey,
  testBackup,
  verifyBackups,
} from './backup.ts';
import { renewCertificates, showCertificates } from './certificates.ts';
import { listDevices, startDevice } from './devices.ts';
import { listKeys, rotateKeys, showKeys } from './dkim.ts';
import { showDnsRecords } from './dns.ts';
import { checkDns } from './dns-check.ts';
import { addDomain, listDomains, removeDomain, renameDomain, setCatchAll, setSubaddress } from './domains.ts';
import { exportAll, exportMail } from './export-mail.ts';
import { listForwardings, removeForwarding, setForwarding, showForwarding } from './forwarding.ts';
import {
  addGroup,
  joinGroup,
  leaveGroup,
  listGroups,
  removeGroup,
  renameGroup,
  setGroupAddress,
  setGroupRank,
  setPosting,
  showGroup,
} from './groups.ts';
import { holdAccount, listHolds, releaseAccount } from './hold.ts';
import { checkAccounts, importAccounts } from './import-accounts.ts';
import { importMail, importTree, planImport } from './import-mail.ts';
import { adoptPeople, checkLdap, refreshLdap, releasePeople } from './ldap.ts';
import { migrate } from './migrate.ts';
import { checkWay } from './outbound.ts';
import { explainPolicy, listPolicySets, loadPolicy, setPolicy, showPolicy, unsetPolicy } from './policy.ts';
import { listQueue, showQueued } from './queue.ts';
import { holdQueued, releaseQueued, removeQueued, rerouteQueued, retryQueued } from './queue-change.ts';
import { explainQuota, setQuota, showQuotas, unsetQuota } from './quotas.ts';
import { listBackedUp, restoreAccount, restoreMail } from './restore.ts';
import { endSessions, listSessions } from './sessions.ts';
import { status } from './status.ts';
import { listTrace } from './trace.ts';
import { listRemoved, purgeRemoved, restoreRemoved } from './undelete.ts';
import { repair, verify } from './verify.ts';

const all = [
  addDomain,
  removeDomain,
  renameDomain,
  setCatchAll,
  setSubaddress,
  listDomains,
  showDnsRecords,
  checkDns,
  listKeys,
  showKeys,
  rotateKeys,
  addAccount,
  removeAccount,
  listAccounts,
  setPassword,
  setAccountState,
  setAccountName,
  setAdministrator,
  renameAccount,
  showAccount,
  importAccounts,
  checkAccounts,
  addAppPassword,
  listAppPasswords,
  revokeAppPassword,
  addAlias,
  removeAlias,
  renameAlias,
  listAliases,
  setForwarding,
  removeForwarding,
  showForwarding,
  listForwardings,
  addGroup,
  removeGroup,
  renameGroup,
  setGroupAddress,
  setGroupRank,
  setPosting,
  joinGroup,
  leaveGroup,
  listGroups,
  showGroup,
  setQuota,
  unsetQuota,
  showQuotas,
  explainQuota,
  setPolicy,
  unsetPolicy,
  showPolicy,
  listPolicySets,
  explainPolicy,
  loadPolicy,
  listAudit,
  listDevices,
  startDevice,
  listSessions,
  endSessions,
  importMail,
  planImport,
  importTree,
  migrate,
  checkWay,
  listTrace,
  listQueue,
  showQueued,
  holdQueued,
  releaseQueued,
  retryQueued,
  removeQueued,
  rerouteQueued,
  listRemoved,
  restoreRemoved,
  purgeRemoved,
  listBackedUp,
  restoreMail,
  restoreAccount,
  holdAccount,
  releaseAccount,
  listHolds,
  initBackup,
  runBackup,
  listBackups,
  verifyBackups,
  pruneBackups,
  testBackup,
  showBackupKey,
  exportMail,
  exportAll,
  verify,
  repair,
  showCertificates,
  renewCertificates,
  checkLdap,
  refreshLdap,
  adoptPeople,
  releasePeople,
  status,
];

/** The input is checked by the action's own `input` before it runs. */
export const ACTIONS: ReadonlyMap<string, Action<never, unknown>> = new Map(
  all.map((one) => [one.name, one as Action<never, unknown>]),
);
