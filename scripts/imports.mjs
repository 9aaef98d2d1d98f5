// The direction of imports (ARCHITECTURE.md): which folder of src may know which, and who may do I/O.
// Types count too: a part that names another's types knows it; only for cycles they don't, since they are gone when the code runs.
// A file at the root of src is open to all.
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

const PROTOCOL = ['auth', 'delivery', 'directory', 'store', 'message', 'net', 'config'];

/** Open to all, like the files at the root of src. */
const OPEN = ['store/ids'];

/** Folder of src -> the folders or files it may import, besides itself. */
const MAY_IMPORT = {
  message: [],
  config: [],
  dns: [],
  net: ['config', 'directory/types'],
  acme: ['net', 'config'],
  store: ['message', 'config'],
  directory: ['store', 'message', 'config', 'auth/app-password', 'auth/foreign', 'auth/password', 'auth/scram-keys'],
  auth: ['directory', 'store', 'net', 'config'],
  delivery: ['directory', 'store', 'message', 'config'],
  outbound: ['dns', 'store', 'message', 'config', 'delivery', 'signing'],
  signing: ['dns', 'directory', 'store', 'message', 'config'],
  checks: ['delivery', 'dns', 'store', 'message', 'config', 'net/address'],
  trace: ['outbound/types', 'delivery/types', 'directory', 'store', 'config'],
  ldap: ['auth', 'directory', 'store', 'config'],
  imap: PROTOCOL,
  pop3: PROTOCOL,
  smtp: PROTOCOL,
  lmtp: [...PROTOCOL, 'smtp'],
  autoconfig: ['config'],
  http: [...PROTOCOL, 'acme', 'autoconfig', 'outbound/own-mail', 'trace'],
  backup: ['store', 'message', 'config'],
  transfer: ['store', 'imap/syntax'],
  migrate: ['store', 'smtp/syntax/dots'],
  server: ['*'],
  cli: ['*'],
};

/** Pure: no file, socket or clock of their own. */
const PURE = [/^src\/message\//, /^src\/autoconfig\//, /^src\/sieve\//, /^src\/[a-z0-9]+\/(smtp\/)?syntax(\/|\.ts$)/];
const IO = /^node:(fs|net|tls|http|https|http2|dns|dgram|child_process|worker_threads|sqlite)(\/|$)/;

const IMPORT =
  /^\s*(?:import|export)\b( type\b)?[^;'"]*?\bfrom\s*'([^']+)'|^\s*import\s*'([^']+)'|\bimport\('([^']+)'\)/gm;

const files = globSync('src/**/*.ts').map(normalize).sort();
const graph = new Map(files.map((file) => [file, importsOf(file)]));
const mistakes = [];

for (const [file, imports] of graph) {
  const [, folder] = file.split('/');
  const allowed = MAY_IMPORT[folder];
  const atRoot = file.split('/').length === 2;
  if (allowed === undefined && !atRoot) mistakes.push(`${file}: src/${folder} has no line in scripts/imports.mjs`);
  for (const { target } of imports) {
    if (PURE.some((pure) => pure.test(file)) && IO.test(target))
      mistakes.push(`${file} is pure and must not import ${target}`);
    if (!target.startsWith('src/') || atRoot || allowed === undefined) continue;
    const path = target.slice('src/'.length).replace(/\.ts$/, '');
    const ok =
      !path.includes('/') ||
      [folder, ...OPEN, ...allowed].some((name) => name === '*' || path === name || path.startsWith(`${name}/`));
    if (!ok) mistakes.push(`${file} must not import ${target}`);
  }
}
for (const cycle of cycles()) mistakes.push(`a cycle: ${cycle.join(' -> ')}`);

for (const mistake of mistakes) console.error(mistake);
process.exit(mistakes.length === 0 ? 0 : 1);

/** What a file imports: paths from the root for ours, names for the rest. */
function importsOf(file) {
  const found = [];
  for (const [, type, from, bare, dynamic] of readFileSync(file, 'utf8').matchAll(IMPORT)) {
    const name = from ?? bare ?? dynamic;
    const target = name.startsWith('.') ? normalize(join(dirname(file), name)) : name;
    found.push({ target, isType: type !== undefined });
  }
  return found;
}

/** Each cycle once, found by depth-first search. */
function cycles() {
  const found = [];
  const done = new Set();
  const visit = (file, trail) => {
    const at = trail.indexOf(file);
    if (at !== -1) return found.push([...trail.slice(at), file]);
    if (done.has(file) || !graph.has(file)) return;
    for (const { target, isType } of graph.get(file)) if (!isType) visit(target, [...trail, file]);
    done.add(file);
  };
  for (const file of graph.keys()) visit(file, []);
  return found;
}
