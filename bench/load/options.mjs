/** The options of the load generator, from its command line. */
export const options = {
  host: '127.0.0.1',
  imapPort: 143,
  pop3Port: 110,
  lmtpPort: 24,
  smtpPort: 25,
  allowRemote: false,
  userFormat: 'u%d@example.org',
  password: 'pass',
  users: 50,
  firstUser: 1,
  user: '',
  mailbox: 'INBOX',
  from: 'bench@example.org',
  corpus: 'corpus',
  conns: 1,
  secs: 10,
  count: 0,
  size: 8192,
  what: 'meta',
  proto: 'lmtp',
  pipeline: 1,
  cold: false,
  verify: false,
  fromCorpus: false,
  submitAs: '',
  queries: '',
  settle: 3,
  timeout: 30,
  serverPid: 0,
  dir: '.',
};

export const benchmark = process.argv[2];

for (let i = 3; i < process.argv.length; i++) {
  const argument = process.argv[i];
  const key = argument.replace(/^--/, '').replace(/-(.)/g, (_, letter) => letter.toUpperCase());
  if (!argument.startsWith('--') || !Object.hasOwn(options, key)) usageError(`unknown option ${argument}`);
  if (typeof options[key] === 'boolean') {
    options[key] = true;
    continue;
  }
  const value = process.argv[++i];
  if (value === undefined) usageError(`${argument} needs a value`);
  options[key] = typeof options[key] === 'number' ? Number(value) : value;
  if (Number.isNaN(options[key])) usageError(`${argument}: not a number: ${value}`);
}

if (!options.allowRemote && !['127.0.0.1', '::1', 'localhost'].includes(options.host)) {
  usageError('only loopback hosts, unless --allow-remote');
}

/** The address of the i-th user, round and round. */
export function userName(i) {
  return options.userFormat.replace('%d', String(options.firstUser + (i % options.users)));
}

export function usageError(text) {
  console.error(`load: ${text}`);
  process.exit(2);
}
