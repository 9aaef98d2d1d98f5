import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AccountId } from '../../src/store/ids.ts';
import { LETTER, sharedSigningOffice } from './signing-office.ts';

const shared = sharedSigningOffice();

const OUTSIDE = LETTER.replace('anna@office.test', 'eve@example.net');
const FINDINGS = 'Authentication-Results: mail.office.test;\r\n\tspf=pass smtp.mailfrom=example.net;\r\n\tdkim=none';

/** What a server that calls itself `x); arc=pass (` has said of it, as the checks write it. */
const SAID =
  ';\r\n\tspf=none (mail.office.test: x\\); arc=pass \\( does not designate permitted sender hosts) smtp.helo="x); arc=pass (";\r\n\tarc=fail (bad)';

test('what is forwarded takes along what was found of it, in a chain that others find good', async () => {
  const office = shared();
  const prefix = `${FINDINGS}\r\n`;
  const once = await office.leaves(OUTSIDE, { options: {}, prefix });
  assert.equal(await office.chain(once), 'pass i=1');
  assert.match(once.toString(), /^ARC-Seal: i=1; a=rsa-sha256;.* cv=none; d=office\.test;/s);
  assert.match(
    once.toString(),
    /ARC-Authentication-Results: i=1; mail\.office\.test;\r\n\tspf=pass smtp\.mailfrom=example\.net;/,
  );
  assert.deepEqual(await office.checked(once), []);

  // It comes back, and is forwarded again.
  const twice = await office.leaves(once, { options: {}, prefix: `${FINDINGS};\r\n\tarc=pass (i=1 spf=pass)\r\n` });
  assert.equal(await office.chain(twice), 'pass i=2');
  assert.match(twice.toString(), /^ARC-Seal: i=2;.* cv=pass;/s);

  const changed = Buffer.from(twice.toString().replace('the offer', 'an offer'));
  assert.match(await office.chain(changed), /^fail/);
});

test('a chain that failed, or that nobody looked at, is not sealed', async () => {
  const office = shared();
  const sealed = await office.leaves(OUTSIDE, { options: {}, prefix: `${FINDINGS}\r\n` });
  for (const arc of [
    '',
    ';\r\n\tarc=fail',
    ';\r\n\tarc=none',
    ';\r\n\tdmarc=none (said "; arc=pass" (; arc=pass))',
    SAID,
  ]) {
    const prefix = `${FINDINGS}${arc}\r\n`;
    assert.equal((await office.leaves(sealed, { options: {}, prefix })).toString(), `${prefix}${sealed}`, arc);
  }
  const broken = `ARC-Seal: i=3; a=rsa-sha256; cv=pass; d=x.test; s=y; b=zz\r\n${OUTSIDE}`;
  const prefix = `${FINDINGS};\r\n\tarc=pass\r\n`;
  assert.equal((await office.leaves(broken, { options: {}, prefix })).toString(), `${prefix}${broken}`);
});

test('findings are believed from our own lines alone, and sealed by who is here', async () => {
  const office = shared();
  const forged = `${FINDINGS}\r\n${OUTSIDE}`;
  assert.equal((await office.leaves(forged, { options: {} })).toString(), forged);
  const prefix = `${FINDINGS}\r\n`;
  const gone = await office.leaves(OUTSIDE, { options: {}, prefix, account: 99 as AccountId });
  assert.equal(gone.toString(), `${prefix}${OUTSIDE}`);
  const headless = await office.leaves('Subject: no author\r\n\r\nHello.\r\n', { options: {}, prefix });
  assert.equal(await office.chain(headless), 'none i=0');
});
