import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePolicy } from 'mailauth/lib/mta-sts.js';
import { stsPolicy, stsPolicyId } from '../../src/autoconfig/mta-sts.ts';
import { parseConfig } from '../../src/config/load.ts';
import { Refused } from '../../src/errors.ts';
import { sharedOffice } from './shared-office.ts';

const PATH = '/.well-known/mta-sts.txt';
const at = sharedOffice({ config: '[mtaSts]\nmode = "enforce"\nmx = ["mail.office.test", "*.backup.example"]\n' });
const asked = (host: string) => ({ headers: { host } });

test('senders read the policy of a domain of ours at its own name, with TLS alone', async () => {
  const answer = await at.secure(PATH, asked('mta-sts.office.test'));
  assert.equal(answer.status, 200);
  assert.match(answer.headers['content-type'] ?? '', /^text\/plain/);
  const { mode, mx, version } = parsePolicy(answer.body, { strict: true });
  assert.deepEqual(
    { mode, mx, version },
    { mode: 'enforce', mx: ['mail.office.test', '*.backup.example'], version: 'STSv1' },
  );
  assert.match(answer.body, /^max_age: 604800\r$/m);
  for (const host of ['mail.office.test', 'office.test', 'mta-sts.example.org', 'mta-sts.mta-sts.office.test'])
    assert.equal((await at.secure(PATH, asked(host))).status, 404, host);
  assert.equal((await at.plain(PATH, asked('mta-sts.office.test'))).status, 302);
});

test('the policy has another version when it says something else, and none where nobody can read it', () => {
  const settings = (text: string) => parseConfig(`[mtaSts]\n${text}`, 'rainmail.toml').mtaSts;
  const services = { host: 'mail.office.test', https: 443 };
  const policies = ['', 'mode = "enforce"', 'mode = "none"', 'maxAge = "1d"', 'mx = ["mx.office.test"]'];
  const ids = policies.map((text) => stsPolicyId(settings(text), services));
  assert.equal(new Set(ids).size, policies.length);
  for (const id of ids) assert.match(id ?? '', /^[0-9a-z]{1,32}$/);
  assert.equal(stsPolicyId(settings(''), services), ids[0]);
  assert.notEqual(stsPolicyId(settings(''), { ...services, host: 'mx.office.test' }), ids[0]);
  assert.equal(stsPolicyId(settings(''), { ...services, https: 8443 }), null);
  assert.equal(stsPolicyId(settings('mode = "off"'), services), null);
  assert.equal(stsPolicy(settings('mode = "off"'), services), null);
  for (const wrong of ['mx = ["*"]', 'mx = ["mail"]', 'maxAge = "2y"', 'mode = "force"'])
    assert.throws(() => settings(wrong), Refused, wrong);
});
