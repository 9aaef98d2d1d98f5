/** A real LDAP server, Debian's slapd, in a folder of its own on free ports of this machine; it goes away with the test. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { LdapConfig } from '../../src/config/ldap.ts';
import { defaults } from '../../src/config/schema.ts';
import { type LdapSettings, ldapSettings } from '../../src/ldap/settings.ts';
import { defer } from '../helpers/defer.ts';
import { PASSWORD } from '../helpers/office.ts';
import { freePorts, listens } from '../helpers/ports.ts';
import { needsTool } from '../helpers/tools.ts';

const run = promisify(execFile);

/** Debian installs it where only root looks. */
const SLAPD = '/usr/sbin/slapd';
const SCHEMA = fileURLToPath(new URL('office.schema', import.meta.url));
const ROOT = 'cn=root,dc=office,dc=test';
const ROOT_PASSWORD = 'the password of slapd itself';

export const BASE = 'dc=office,dc=test';
export const READER = `cn=rainmail,${BASE}`;
export const READER_PASSWORD = 'the password of the reader';
export { PASSWORD };

/** Without slapd and its tools the test is skipped, aloud. */
export function hasSlapd(t: TestContext): boolean {
  if (!existsSync(SLAPD)) t.skip('slapd is not installed');
  return existsSync(SLAPD) && needsTool(t, 'ldapmodify') !== undefined;
}

/** A person as LDIF; everybody has the same password. */
export function person(uid: string, ...more: readonly string[]): string {
  return entry(
    `uid=${uid},ou=people,${BASE}`,
    'objectClass: inetOrgPerson',
    'objectClass: officePerson',
    `uid: ${uid}`,
    `cn: ${uid}`,
    `sn: ${uid}`,
    `displayName: ${uid} of LDAP`,
    `mail: ${uid}@office.test`,
    `userPassword: ${PASSWORD}`,
    ...more,
  );
}

/** A group as LDIF. */
export function group(cn: string, ...members: readonly string[]): string {
  return entry(
    `cn=${cn},ou=groups,${BASE}`,
    'objectClass: groupOfNames',
    `cn: ${cn}`,
    ...members.map((uid) => `member: uid=${uid},ou=people,${BASE}`),
  );
}

export function entry(dn: string, ...lines: readonly string[]): string {
  return [`dn: ${dn}`, ...lines, ''].join('\n');
}

type SettingsChanged = Partial<Omit<LdapConfig, 'urls'>> & { readonly urls?: readonly string[] };

export class Slapd {
  readonly folder: string;
  readonly port: number;
  readonly tlsPort: number;
  #child: ChildProcess | undefined;

  private constructor(folder: string, port: number, tlsPort: number) {
    this.folder = folder;
    this.port = port;
    this.tlsPort = tlsPort;
  }

  /** Starts one that holds these entries below ou=people and ou=groups. */
  static async start(t: TestContext, entries: readonly string[]): Promise<Slapd> {
    const folder = await mkdtemp(join(tmpdir(), 'rainmail-slapd-'));
    const slapd = new Slapd(folder, ...((await freePorts(2)) as [number, number]));
    defer(t, async () => {
      await slapd.end();
      await rm(folder, { recursive: true, force: true });
    });
    await makeCertificates(folder);
    await mkdir(join(folder, 'data'));
    await writeFile(join(folder, 'slapd.conf'), configuration(folder));
    await writeFile(slapd.passwordFile, `${READER_PASSWORD}\n`);
    await writeFile(join(folder, 'root'), ROOT_PASSWORD);
    await writeFile(join(folder, 'first.ldif'), [...FIRST, ...entries].join('\n'));
    await run(SLAPD, ['-T', 'add', '-f', join(folder, 'slapd.conf'), '-l', join(folder, 'first.ldif')]);
    await slapd.begin();
    return slapd;
  }

  get url(): string {
    return `ldap://127.0.0.1:${this.port}`;
  }

  get tlsUrl(): string {
    return `ldaps://127.0.0.1:${this.tlsPort}`;
  }

  get ca(): string {
    return join(this.folder, 'ca.pem');
  }

  get passwordFile(): string {
    return join(this.folder, 'reader');
  }

  /** The settings of Rainmail for it. */
  settings({ urls = [this.tlsUrl], ...more }: SettingsChanged = {}): LdapSettings {
    return ldapSettings({
      ...defaults().ldap,
      urls: [...urls],
      ca: this.ca,
      bind: READER,
      passwordFile: this.passwordFile,
      base: BASE,
      domains: ['office.test'],
      ...more,
    })!;
  }

  /** The same as lines of a configuration file. */
  section(...more: readonly string[]): string {
    return [
      '[ldap]',
      `urls = ["${this.tlsUrl}"]`,
      `ca = "${this.ca}"`,
      `bind = "${READER}"`,
      `passwordFile = "${this.passwordFile}"`,
      `base = "${BASE}"`,
      'domains = ["office.test"]',
      ...more,
    ].join('\n');
  }

  /** Starts it again; resolves when it takes connections. */
  async begin(): Promise<void> {
    const listen = `ldap://127.0.0.1:${this.port}/ ldaps://127.0.0.1:${this.tlsPort}/`;
    const child = spawn(SLAPD, ['-f', join(this.folder, 'slapd.conf'), '-h', listen, '-d', '0'], { stdio: 'ignore' });
    this.#child = child;
    while (!(await listens(this.tlsPort))) {
      if (child.exitCode !== null) throw new Error(`slapd ended with ${child.exitCode}`);
    }
  }

  /** It takes connections, and says nothing any more; resolves when it is so. */
  async fallSilent(): Promise<void> {
    this.#child!.kill('SIGSTOP');
    while (!(await this.#isStopped())) await new Promise(setImmediate);
  }

  /** It goes on after {@link fallSilent}. */
  speak(): void {
    this.#child!.kill('SIGCONT');
  }

  /** The system stops each of its threads when that one's turn comes. */
  async #isStopped(): Promise<boolean> {
    const tasks = `/proc/${this.#child!.pid}/task`;
    const states = (await readdir(tasks)).map((task) => readFile(join(tasks, task, 'stat'), 'latin1'));
    return (await Promise.all(states)).every((stat) => / T [0-9]/.test(stat));
  }

  async end(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGCONT');
    child.kill('SIGTERM');
    await ended;
  }

  /** Changes entries, in the words of ldapmodify. */
  async change(ldif: string): Promise<void> {
    await this.#tool('ldapmodify', ['-c'], ldif);
  }

  async add(...entries: readonly string[]): Promise<void> {
    await this.#tool('ldapmodify', ['-a'], entries.join('\n'));
  }

  /** Replaces an attribute of a person; without values it goes. */
  async set(uid: string, attribute: string, ...values: readonly string[]): Promise<void> {
    const lines = values.map((value) => `${attribute}: ${value}`);
    await this.change(
      [`dn: uid=${uid},ou=people,${BASE}`, 'changetype: modify', `replace: ${attribute}`, ...lines, ''].join('\n'),
    );
  }

  async remove(uid: string): Promise<void> {
    await this.change(entry(`uid=${uid},ou=people,${BASE}`, 'changetype: delete'));
  }

  async #tool(tool: string, args: readonly string[], input: string): Promise<void> {
    const file = join(this.folder, 'root');
    const done = run(tool, ['-x', '-H', this.url, '-D', ROOT, '-y', file, ...args]);
    done.child.stdin!.end(`${input}\n`);
    await done;
  }
}

const FIRST = [
  entry(BASE, 'objectClass: domain', 'dc: office'),
  entry(`ou=people,${BASE}`, 'objectClass: organizationalUnit', 'ou: people'),
  entry(`ou=groups,${BASE}`, 'objectClass: organizationalUnit', 'ou: groups'),
  entry(
    READER,
    'objectClass: organizationalRole',
    'objectClass: simpleSecurityObject',
    'cn: rainmail',
    `userPassword: ${READER_PASSWORD}`,
  ),
];

/** The reader gets everything only page by page: 500 entries at once, as slapd has it by itself. */
function configuration(folder: string): string {
  const schemas = ['core', 'cosine', 'nis', 'inetorgperson'].map((name) => `include /etc/ldap/schema/${name}.schema`);
  return [
    ...schemas,
    `include "${SCHEMA}"`,
    'modulepath /usr/lib/ldap',
    'moduleload back_mdb',
    `TLSCACertificateFile ${folder}/ca.pem`,
    `TLSCertificateFile ${folder}/server.pem`,
    `TLSCertificateKeyFile ${folder}/server.key`,
    'database mdb',
    `suffix "${BASE}"`,
    `rootdn "${ROOT}"`,
    `rootpw "${ROOT_PASSWORD}"`,
    `directory ${folder}/data`,
    'maxsize 67108864',
    'dbnosync',
    'index objectClass,mail,uid,mailAlternateAddress,proxyAddresses eq',
    `limits dn.exact="${READER}" size.soft=500 size.hard=500 size.prtotal=unlimited`,
    'access to attrs=userPassword by anonymous auth by * none',
    `access to * by dn.exact="${READER}" read by * none`,
    '',
  ].join('\n');
}

/** An authority, and a certificate for this machine that it has signed. */
async function makeCertificates(folder: string): Promise<void> {
  const openssl = (...args: readonly string[]) => run('openssl', [...args], { cwd: folder });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  for (const name of ['ca', 'other-ca']) {
    await openssl('req', '-x509', ...key, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.pem`);
  }
  await openssl(
    ...['req', '-x509', ...key, '-subj', '/CN=ldap', '-addext', 'subjectAltName=IP:127.0.0.1'],
    ...['-addext', 'basicConstraints=critical,CA:FALSE', '-CA', 'ca.pem', '-CAkey', 'ca.key'],
    ...['-keyout', 'server.key', '-out', 'server.pem'],
  );
}
