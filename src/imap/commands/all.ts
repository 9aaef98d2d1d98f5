/** Every command we know, by its name. */
import type { AnyCommand } from '../command.ts';
import { append } from './append.ts';
import { authenticate } from './authenticate.ts';
import { capability } from './capability.ts';
import { create } from './create.ts';
import { deleteMailbox } from './delete.ts';
import { enable } from './enable.ts';
import { id } from './id.ts';
import { list, lsub } from './list.ts';
import { login } from './login.ts';
import { logout } from './logout.ts';
import { namespace } from './namespace.ts';
import { noop } from './noop.ts';
import { rename } from './rename.ts';
import { examine, select } from './select.ts';
import { startTls } from './starttls.ts';
import { status } from './status.ts';
import { subscribe, unsubscribe } from './subscribe.ts';

const COMMANDS = [
  // Any state (RFC 9051 6.1)
  capability,
  noop,
  logout,
  id,
  // Not authenticated (6.2)
  startTls,
  authenticate,
  login,
  // Authenticated (6.3)
  enable,
  select,
  examine,
  create,
  deleteMailbox,
  rename,
  subscribe,
  unsubscribe,
  list,
  lsub,
  namespace,
  status,
  append,
  // Selected (6.4)
] as const;

const byName = new Map<string, AnyCommand>(COMMANDS.map((command) => [command.name, command as AnyCommand]));

/** @param name upper case: `FETCH`, `UID FETCH` */
export function commandNamed(name: string): AnyCommand | undefined {
  return byName.get(name);
}
