/**
 * All administrative actions, by name: the first word of the name tells the files that may have it, each action is exported there.
 *
 * A file is loaded when an action of its family is asked for. Most are never used in a server's life, and together, with all that they need, they
 * would be a fifth of what it holds.
 */
import type { Action } from './action.ts';

type AnyAction = Action<never, unknown>;
type Load = () => Promise<Readonly<Record<string, unknown>>>;

const FAMILIES: Readonly<Record<string, readonly Load[]>> = {
  account: [() => import('./accounts.ts'), () => import('./import-accounts.ts')],
  alias: [() => import('./aliases.ts')],
  'app-password': [() => import('./app-passwords.ts')],
  audit: [() => import('./audit.ts')],
  backup: [() => import('./backup.ts')],
  certificate: [() => import('./certificates.ts')],
  device: [() => import('./devices.ts')],
  dkim: [() => import('./dkim.ts')],
  dns: [() => import('./dns.ts'), () => import('./dns-check.ts')],
  domain: [() => import('./domains.ts')],
  export: [() => import('./export-mail.ts')],
  forward: [() => import('./forwarding.ts')],
  group: [() => import('./groups.ts')],
  hold: [() => import('./hold.ts')],
  import: [() => import('./import-mail.ts')],
  ldap: [() => import('./ldap.ts')],
  migrate: [() => import('./migrate.ts')],
  outbound: [() => import('./outbound.ts')],
  policy: [() => import('./policy.ts')],
  queue: [() => import('./queue.ts'), () => import('./queue-change.ts')],
  quota: [() => import('./quotas.ts')],
  restore: [() => import('./restore.ts')],
  sessions: [() => import('./sessions.ts')],
  status: [() => import('./status.ts')],
  trace: [() => import('./trace.ts')],
  undelete: [() => import('./undelete.ts')],
  verify: [() => import('./verify.ts')],
};

/** The input is checked by the action's own `input` before it runs. @returns undefined when there is none of this name */
export async function findAction(name: string): Promise<AnyAction | undefined> {
  const family = name.split('.', 1)[0]!;
  if (!Object.hasOwn(FAMILIES, family)) return undefined;
  const actions = await exportedBy(FAMILIES[family]!);
  return actions.find((one) => one.name === name);
}

/** All of them: for what must hold for each. */
export function allActions(): Promise<AnyAction[]> {
  return exportedBy(Object.values(FAMILIES).flat());
}

async function exportedBy(files: readonly Load[]): Promise<AnyAction[]> {
  const modules = await Promise.all(files.map((load) => load()));
  return modules.flatMap((module) => Object.values(module)).filter(isAction);
}

/** True for what `action()` has declared, among all that a file exports. */
function isAction(value: unknown): value is AnyAction {
  return typeof value === 'object' && value !== null && 'name' in value && 'input' in value && 'run' in value;
}
