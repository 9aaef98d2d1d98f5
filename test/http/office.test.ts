import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sharedOffice } from './shared-office.ts';

const at = sharedOffice({ config: '[log]\nlevel = "debug"\n' });
const { plain, secure } = at;

test('without TLS there is only a way to https, under the name that the client knows', async () => {
  const port = at.office.port('https');
  const answer = await plain('/settings?page=2', { headers: { host: 'mail.office.test' } });
  assert.equal(answer.status, 302);
  assert.equal(answer.headers.location, `https://mail.office.test:${port}/settings?page=2`);
  const strange = await plain('//elsewhere.example/x', { headers: { host: 'not a name' } });
  assert.equal(strange.headers.location, `https://mail.office.test:${port}//elsewhere.example/x`);
});

test('what is sent without TLS is refused before it is read', async () => {
  const answer = await plain('/settings/sign-in', { method: 'POST', body: 'password=secret' });
  assert.deepEqual([answer.status, answer.body], [403, 'Use https.\n']);
});

test('a page that is not there, a method that it does not take and one that nobody knows are told apart', async () => {
  assert.equal((await secure('/nowhere')).status, 404);
  assert.equal((await secure('/nowhere', { method: 'PROPFIND' })).status, 501);
  assert.equal((await secure('/%zz')).status, 400);
  const wrong = await secure('/mail/config-v1.1.xml', { method: 'POST', body: '{' });
  assert.deepEqual([wrong.status, wrong.headers.allow], [405, 'GET, HEAD']);
});

test('every answer carries the headers that keep browsers safe, and TLS is asked for with TLS only', async () => {
  for (const path of ['/nowhere', '/mail/config-v1.1.xml', '/%zz']) {
    const { headers } = await secure(path);
    assert.match(String(headers['content-security-policy']), /^default-src 'none'.* frame-ancestors 'none'$/, path);
    assert.equal(headers['x-content-type-options'], 'nosniff', path);
    assert.equal(headers['referrer-policy'], 'no-referrer', path);
    assert.match(headers['strict-transport-security'] ?? '', /^max-age=\d+$/, path);
  }
  assert.equal((await plain('/')).headers['strict-transport-security'], undefined);
});

test('HEAD is answered as GET, without the body', async () => {
  const path = '/mail/config-v1.1.xml?emailaddress=anna@office.test';
  const [get, head] = [await secure(path), await secure(path, { method: 'HEAD' })];
  assert.equal(head.body, '');
  assert.deepEqual([head.status, head.headers['content-length']], [200, String(Buffer.byteLength(get.body))]);
});

test('requests are counted by page and status, whatever clients ask for', async () => {
  for (let i = 0; i < 20; i++) await secure(`/made-up-${i}`);
  const page = await (await fetch(`http://127.0.0.1:${at.office.port('health')}/metrics`)).text();
  const lines = page.split('\n').filter((line) => line.startsWith('rainmail_http_requests_total'));
  assert.ok(
    lines.some((line) => line.includes('page="/mail/config-v1.1.xml",status="200"')),
    page,
  );
  assert.ok(lines.length < 15 && !page.includes('made-up'), lines.join('\n'));
});

test('the log never has what stands behind the question mark', async () => {
  await secure('/mail/config-v1.1.xml?emailaddress=somebody@office.test');
  await at.office.until(() => at.office.log.includes('"path":"/mail/config-v1.1.xml"'));
  assert.ok(!at.office.log.includes('somebody'));
});
