/**
 * People from files of lines: a name, a hash, and what else a server keeps beside them.
 *
 * - Dovecot's passwd-file: `name:hash:uid:gid:gecos:home:shell:extra fields`, most of which may be missing; so Apache's htpasswd (`name:hash`) is
 *   read the same way.
 * - shadow: nine fields, with names and people's ids from passwd.
 * - Courier's userdb: `name TAB key=value|key=value`.
 */
import { parseSize } from '../../config/units.ts';
import { type FilePerson, type FileRow, row, secretOf, withDomain } from './person.ts';

/** What the format asks for beside the file itself. */
export interface LineFileOptions {
  /** Of names without one. */
  readonly domain: string | undefined;
  /** The text of /etc/passwd: names for the people of a shadow file. */
  readonly passwd: string | undefined;
}

type ReadLine = (line: string, options: LineFileOptions) => FilePerson | null;

export function* peopleFromPasswd(text: string, options: LineFileOptions): Generator<FileRow> {
  yield* rows(text, ':', options, passwdLine);
}

export function* peopleFromShadow(text: string, options: LineFileOptions): Generator<FileRow> {
  const people = options.passwd === undefined ? undefined : peopleOf(options.passwd);
  yield* rows(text, ':', options, (line) => shadowLine(line, options, people));
}

export function* peopleFromUserdb(text: string, options: LineFileOptions): Generator<FileRow> {
  yield* rows(text, '\t', options, userdbLine);
}

const NO_FIELDS = 'The line has no fields. Is it a file of another format? Say which: --format.';

/** Each line that is neither empty nor a comment. */
function* rows(text: string, end: string, options: LineFileOptions, read: ReadLine): Generator<FileRow> {
  let number = 0;
  for (const line of lines(text)) {
    number++;
    if (line.trim() === '' || line.startsWith('#')) continue;
    const at = line.indexOf(end);
    // Without it the line may be anything, a password too: nothing of it is told.
    if (at === -1) yield { line: number, address: '', problem: NO_FIELDS };
    else yield row(number, line.slice(0, at).trim(), () => read(line, options));
  }
}

/** One at a time: the file may be large. */
export function* lines(text: string): Generator<string> {
  for (let start = 0; start < text.length; ) {
    const end = text.indexOf('\n', start);
    const line = text.slice(start, end === -1 ? text.length : end);
    yield line.endsWith('\r') ? line.slice(0, -1) : line;
    start = end === -1 ? text.length : end + 1;
  }
}

function passwdLine(line: string, { domain }: LineFileOptions): FilePerson {
  const [name = '', hash = '', , , gecos = '', , , ...extra] = line.split(':');
  const fields = new Map(
    extra
      .join(':') // values hold colons, too
      .split(/\s+/)
      .filter((field) => field !== '')
      .map((field) => {
        const [key = '', ...value] = field.split('=');
        return [key.toLowerCase(), value.join('=')] as const;
      }),
  );
  const quotaBytes = dovecotQuota(fields.get('userdb_quota_rule') ?? '', fields.get('userdb_quota_storage_size') ?? '');
  const displayName = gecos.split(',', 1)[0]!.trim();
  const noLogin = fields.get('nologin');
  return {
    address: withDomain(name.trim(), domain),
    secret: secretOf(hash === 'x' ? '' : hash),
    ...(displayName === '' ? {} : { displayName }),
    ...(quotaBytes === undefined ? {} : { quotaBytes }),
    ...(noLogin === undefined || noLogin === 'n' || noLogin === 'no' ? {} : { state: 'suspended' as const }),
    groups: [],
    aliases: [],
  };
}

/** `*:storage=2G` or `*:bytes=...`, where a bare number of storage is kilobytes; newer files have `2G` in a field of its own. 0: no limit. */
function dovecotQuota(rule: string, size: string): number | null | undefined {
  const [, kind, amount, unit] =
    /^\*:(storage|bytes)=(\d+)([kmgt]?)/i.exec(rule) ?? /^()(\d+) *([kmgt]?)/i.exec(size) ?? [];
  if (amount === undefined) return undefined;
  const bytes = parseSize(`${amount}${unit || (kind?.toLowerCase() === 'storage' ? 'K' : '')}B`);
  return bytes === 0 ? null : bytes;
}

/** People's ids on a Linux machine; below are the system's own, above is nobody. */
const FIRST_PERSON = 1_000;
const NOBODY = 65_534;

/** Display names of the people of a passwd file, by name. */
function peopleOf(passwd: string): Map<string, string> {
  const people = new Map<string, string>();
  for (const line of lines(passwd)) {
    const [name = '', , uid = '', , gecos = ''] = line.split(':');
    const isPerson = Number(uid) >= FIRST_PERSON && Number(uid) < NOBODY;
    if (isPerson) people.set(name, gecos.split(',', 1)[0]!.trim());
  }
  return people;
}

/** @param people  of the passwd file, when it is there @returns null for what is no person */
function shadowLine(line: string, { domain }: LineFileOptions, people: Map<string, string> | undefined) {
  const [name = '', field = ''] = line.split(':');
  const locked = field.startsWith('!');
  const hash = locked ? field.replace(/^!+/, '') : field;
  if (!/^[$_./A-Za-z0-9]{13,}/.test(hash)) return null; // nobody signs in with it: `*`, `!`, empty
  if (people !== undefined && !people.has(name)) return null;
  const displayName = people?.get(name) ?? '';
  return {
    address: withDomain(name, domain),
    secret: secretOf(hash),
    ...(displayName === '' ? {} : { displayName }),
    ...(locked ? { state: 'suspended' as const } : {}),
    groups: [],
    aliases: [],
  };
}

/** The first that is there counts: what IMAP checks, then what POP3 does, then the system's. */
const USERDB_PASSWORDS = ['imappw', 'pop3pw', 'esmtppw', 'systempw', 'pw'];

function userdbLine(line: string, { domain }: LineFileOptions): FilePerson {
  const [name = '', rest = ''] = line.split('\t', 2);
  const fields = new Map(
    rest.split('|').map((field) => {
      const [key = '', ...value] = field.split('=');
      return [key, value.join('=')] as const;
    }),
  );
  const hash = USERDB_PASSWORDS.map((key) => fields.get(key)).find((value) => value !== undefined) ?? '';
  const displayName = (fields.get('gecos') ?? '').split(',', 1)[0]!.trim();
  return {
    address: withDomain(name.trim(), domain),
    secret: secretOf(hash),
    ...(displayName === '' ? {} : { displayName }),
    groups: [],
    aliases: [],
  };
}
