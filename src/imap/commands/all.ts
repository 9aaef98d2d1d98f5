/** Every command we know, by its name. */
import type { AnyCommand } from '../command.ts';
import { capability } from './capability.ts';
import { logout } from './logout.ts';
import { noop } from './noop.ts';

const COMMANDS = [
  // Any state
  capability,
  noop,
  logout,
] as const;

const byName = new Map<string, AnyCommand>(COMMANDS.map((command) => [command.name, command as AnyCommand]));

/** @param name upper case: `FETCH`, `UID FETCH` */
export function commandNamed(name: string): AnyCommand | undefined {
  return byName.get(name);
}
