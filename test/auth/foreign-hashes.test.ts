/** Hashes that other programs make, here and now: what they hashed is right, everything else is wrong. */
import assert from 'node:assert/strict';
import { createHash, pbkdf2Sync, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { hash as argon2 } from '@node-rs/argon2';
import { hash as bcrypt } from '@node-rs/bcrypt';
import { readSecret, verifyForeign } from '../../src/auth/foreign/hashes.ts';
import { shaCrypt } from '../../src/auth/foreign/sha-crypt.ts';
import { deriveScramKeys } from '../../src/auth/scram-keys.ts';
import { Refused } from '../../src/errors.ts';
import { output } from '../helpers/office.ts';
import fc from '../helpers/properties.ts';
import { needsTool } from '../helpers/tools.ts';

/** Where block sizes begin and end, and where characters have several bytes. */
const PASSWORDS = [
  'a',
  'pencil case',
  'pässwörd – 密码',
  'x'.repeat(16),
  'y'.repeat(32),
  'z'.repeat(64),
  'w'.repeat(65),
];

async function assertChecks(field: string, password: string): Promise<void> {
  const secret = readSecret(field);
  if (secret.kind === 'password') return assert.equal(secret.password, password);
  assert.equal(await verifyForeign(secret.hash, password), true, `${secret.hash} is of ${password}`);
  for (const wrong of [`${password.slice(0, -1)}!`, '']) {
    assert.equal(await verifyForeign(secret.hash, wrong), false, `${secret.hash} is not of ${wrong}`);
  }
}

const DOVECOT = [
  ...[
    'SHA512-CRYPT',
    'SHA256-CRYPT',
    'MD5-CRYPT',
    'MD5',
    'CRYPT',
    'BLF-CRYPT',
    'ARGON2ID',
    'ARGON2I',
    'PBKDF2',
    'SCRAM-SHA-256',
  ],
  ...['SSHA', 'SSHA256', 'SSHA512', 'SMD5', 'SHA', 'SHA1', 'SHA256', 'SHA512', 'LDAP-MD5', 'PLAIN-MD5'],
  ...['SHA512.HEX', 'SSHA.HEX', 'SSHA256.B64', 'PLAIN', 'CLEARTEXT'],
];

for (const scheme of DOVECOT) {
  test(`what doveadm hashes by ${scheme} is known again`, async (t) => {
    const doveadm = needsTool(t, 'doveadm');
    if (doveadm === undefined) return;
    for (const password of PASSWORDS) {
      await assertChecks((await output(doveadm, ['pw', '-s', scheme, '-p', password])).trim(), password);
    }
  });
}

test('what openssl hashes is known again', async (t) => {
  const openssl = needsTool(t, 'openssl');
  if (openssl === undefined) return;
  for (const kind of ['-1', '-apr1', '-5', '-6']) {
    for (const password of PASSWORDS) {
      await assertChecks((await output(openssl, ['passwd', kind, password])).trim(), password);
    }
  }
});

test('what mkpasswd hashes, with rounds and costs of its own, is known again', async (t) => {
  const mkpasswd = needsTool(t, 'mkpasswd');
  if (mkpasswd === undefined) return;
  for (const [method, rounds] of [
    ['sha-512', '1500'],
    ['sha-256', '7000'],
    ['bcrypt', '6'],
    ['bcrypt-a', '4'],
  ]) {
    for (const password of PASSWORDS) {
      await assertChecks((await output(mkpasswd, ['-m', method!, '-R', rounds!, password])).trim(), password);
    }
  }
});

test('what htpasswd hashes is known again', async (t) => {
  const htpasswd = needsTool(t, 'htpasswd');
  if (htpasswd === undefined) return;
  for (const kind of ['-m', '-B', '-s', '-2', '-5']) {
    for (const password of PASSWORDS) {
      const line = (await output(htpasswd, ['-nb', kind, 'anna', password])).trim();
      await assertChecks(line.slice('anna:'.length), password);
    }
  }
});

test('SHA-crypt is right for passwords and salts of every length', async (t) => {
  const openssl = needsTool(t, 'openssl');
  if (openssl === undefined) return;
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('5', '6'),
      fc.string({ minLength: 1, maxLength: 140, unit: fc.constantFrom(...'abc 123.!') }),
      fc.string({ minLength: 1, maxLength: 16, unit: fc.constantFrom(...'./09AZaz') }),
      async (variant, password, salt) => {
        const made = (await output(openssl, ['passwd', `-${variant}`, '-salt', salt, '--', password])).trim();
        const ours = shaCrypt(variant as '5' | '6', Buffer.from(password), Buffer.from(salt), 5_000);
        assert.equal(`$${variant}$${salt}$${ours}`, made);
      },
    ),
    { numRuns: 25 },
  );
});

/** Hashes by each scheme that has a cost, at a low one. */
const MADE: Readonly<Record<string, (password: string, salt: Buffer) => string | Promise<string>>> = {
  bcrypt: (password, salt) => bcrypt(password, { cost: 4, salt: salt }),
  argon2: (password, salt) => argon2(password, { memoryCost: 1_024, timeCost: 1, salt }),
  'SHA-512-crypt': (password, salt) => {
    const text = salt.toString('hex').slice(0, 16);
    return `{SHA512-CRYPT}$6$rounds=1000$${text}$${shaCrypt('6', Buffer.from(password), Buffer.from(text), 1_000)}`;
  },
  PBKDF2: (password, salt) => {
    const text = salt.toString('hex');
    return `{PBKDF2}$1$${text}$100$${pbkdf2Sync(password, text, 100, 20, 'sha1').toString('hex')}`;
  },
  SCRAM: async (password, salt) => {
    const { storedKey, serverKey } = await deriveScramKeys(password, { salt, iterations: 100 });
    const [salted, stored, server] = [salt, storedKey, serverKey].map((one) => Buffer.from(one).toString('base64'));
    return `{SCRAM-SHA-256}100,${salted},${stored},${server}`;
  },
};

/** Bcrypt looks at 72 bytes and no further, some implementations up to a NUL. */
function isWholeToBcrypt(password: string): boolean {
  return Buffer.byteLength(password) < 72 && !password.includes('\0');
}

test('any password is known again by every scheme, and no other is', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...Object.keys(MADE)),
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).filter(isWholeToBcrypt),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
      async (scheme, password, salt) => {
        const secret = readSecret(await MADE[scheme]!(password, Buffer.from(salt)));
        assert.ok(secret.kind === 'hash');
        assert.equal(await verifyForeign(secret.hash, password), true);
        assert.equal(await verifyForeign(secret.hash, `${password}!`), false);
      },
    ),
  );
});

test('salted digests know every password again, and no other', async () => {
  const schemes = [
    ['SSHA', 'sha1'],
    ['SSHA256', 'sha256'],
    ['SSHA512', 'sha512'],
    ['SMD5', 'md5'],
  ] as const;
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...schemes),
      fc.string(),
      fc.string(),
      fc.uint8Array({ maxLength: 64 }),
      async ([scheme, algorithm], password, other, salt) => {
        const digest = createHash(algorithm).update(password).update(salt).digest();
        const secret = readSecret(`{${scheme}}${Buffer.concat([digest, salt]).toString('base64')}`);
        assert.ok(secret.kind === 'hash');
        assert.equal(await verifyForeign(secret.hash, password), true);
        assert.equal(await verifyForeign(secret.hash, other), Buffer.from(other).equals(Buffer.from(password)));
      },
    ),
  );
});

/** Who hashes like this can stop a server with one sign-in. */
const TOO_COSTLY = [
  `$6$rounds=999999999$salt$${'x'.repeat(86)}`,
  `$5$rounds=200001$salt$${'x'.repeat(43)}`,
  `$2b$15$${'x'.repeat(53)}`,
  `$2b$31$${'x'.repeat(53)}`,
  '$argon2id$v=19$m=4194304,t=1,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2g',
  '$argon2id$v=19$m=65536,t=100000,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2g',
  '$argon2id$v=19$m=65536,t=1,p=100000$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2g',
  `{PBKDF2}$1$salt$999999999$${'0'.repeat(40)}`,
  `{SCRAM-SHA-256}999999999,c2FsdHNhbHQ=,${'A'.repeat(43)}=,${'A'.repeat(43)}=`,
];

/** What is no hash, is damaged, or can't be checked here. */
const UNFIT = [
  '',
  'pencil',
  'abJnggxhB/yWI', // DES
  '$y$j9T$Jn2GIQbAsjr3uFkWwBtZw.$jjwW4UbN58ffrWcYOlzhicLrfEhPpPUM9/eJSHpduHC', // yescrypt
  '$6$salt$tooshort',
  '$2y$05$tooshort',
  '{SSHA}c2hvcnQ=',
  '{SSHA}not base64!',
  '{PBKDF2}nonsense',
  '{SCRAM-SHA-256}4096,salt',
  '{CRAM-MD5}9186d855e11eba527a7a52ca82b313e180d62234f0acc9051b527243d41e2740',
  '{NOT-A-SCHEME}pencil',
  '{',
  '$',
  '$argon2id$',
];

test('what would cost too much, and what is no hash, is refused without a word of it', () => {
  for (const field of [...TOO_COSTLY, ...UNFIT]) {
    assert.throws(
      () => readSecret(field),
      (error) => {
        assert.ok(error instanceof Refused && error.code === 'directory.invalid', field);
        assert.match(error.message, /new password/);
        assert.ok(field.length < 4 || !error.message.includes(field.replace(/^\{[^}]*\}/, '')), error.message);
        return true;
      },
    );
  }
});

test('nothing that may stand in a file is a fault of ours', async () => {
  const made = [...TOO_COSTLY, ...UNFIT, '{SSHA}', '$6$rounds=1$', `{SHA}${randomBytes(20).toString('base64')}`];
  const pieces = fc.oneof(
    fc.constantFrom(...made),
    fc.string(),
    fc.constantFrom('{', '}', '$', '$6$', '$argon2id$v=19$m=', 'rounds='),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(pieces, { maxLength: 4 }), async (parts) => {
      try {
        const secret = readSecret(parts.join(''));
        if (secret.kind === 'hash') await verifyForeign(secret.hash, 'pencil');
      } catch (error) {
        assert.ok(error instanceof Refused, String(error));
      }
    }),
  );
});
