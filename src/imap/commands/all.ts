/** Every command we know, by its name. */
import type { AnyCommand } from '../command.ts';
import { append } from './append.ts';
import { authenticate } from './authenticate.ts';
import { capability } from './capability.ts';
import { check } from './check.ts';
import { close } from './close.ts';
import { copy, uidCopy } from './copy.ts';
import { create } from './create.ts';
import { deleteMailbox } from './delete.ts';
import { enable } from './enable.ts';
import { expunge } from './expunge.ts';
import { fetch, uidFetch } from './fetch.ts';
import { id } from './id.ts';
import { idle } from './idle.ts';
import { list, lsub } from './list.ts';
import { login } from './login.ts';
import { logout } from './logout.ts';
import { move, uidMove } from './move.ts';
import { namespace } from './namespace.ts';
import { noop } from './noop.ts';
import { rename } from './rename.ts';
import { search, uidSearch } from './search.ts';
import { examine, select } from './select.ts';
import { startTls } from './starttls.ts';
import { status } from './status.ts';
import { store, uidStore } from './store.ts';
import { subscribe, unsubscribe } from './subscribe.ts';
import { uidExpunge } from './uid-expunge.ts';
import { unselect } from './unselect.ts';

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
  idle,
  // Selected (6.4)
  close,
  unselect,
  expunge,
  uidExpunge,
  search,
  uidSearch,
  fetch,
  uidFetch,
  store,
  uidStore,
  copy,
  uidCopy,
  move,
  uidMove,
  check,
] as const;

const byName = new Map<string, AnyCommand>(COMMANDS.map((command) => [command.name, command as AnyCommand]));

/** @param name upper case: `FETCH`, `UID FETCH` */
export function commandNamed(name: string): AnyCommand | undefined {
  return byName.get(name);
}
