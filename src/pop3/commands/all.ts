/** Every command, by name. */
import type { Pop3Command } from '../command.ts';
import { auth } from './auth.ts';
import { capa } from './capa.ts';
import { dele } from './dele.ts';
import { lang } from './lang.ts';
import { list } from './list.ts';
import { noop } from './noop.ts';
import { pass } from './pass.ts';
import { quit } from './quit.ts';
import { retr } from './retr.ts';
import { rset } from './rset.ts';
import { stat } from './stat.ts';
import { stls } from './stls.ts';
import { top } from './top.ts';
import { uidl } from './uidl.ts';
import { user } from './user.ts';
import { utf8 } from './utf8.ts';

const commands: readonly Pop3Command[] = [
  ...[user, pass, auth, stls, utf8, lang, capa, quit],
  ...[stat, list, uidl, retr, top, dele, noop, rset],
];
const byName = new Map(commands.map((command) => [command.name, command]));

/** @param name upper case */
export function commandNamed(name: string): Pop3Command | undefined {
  return byName.get(name);
}
