/** The mail clients of Python's library: imaplib, poplib, smtplib. The stories are in Python, beside this file. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { PASSWORD } from '../helpers/office.ts';
import { needsTool } from '../helpers/tools.ts';
import { clientOffice } from './client.ts';

for (const story of ['python-imaplib', 'python-poplib']) {
  test(`${story} does all it can`, async (t) => {
    const python = needsTool(t, 'python3');
    if (python === undefined) return;
    const { office, home } = await clientOffice(t);
    const ports = ['imap', 'imaps', 'pop3', 'pop3s', 'lmtp', 'submission'] as const;
    const { code, stderr } = await home.try(python, ['-B', join(import.meta.dirname, `${story}.py`)], '', {
      PASSWORD,
      CA: home.ca,
      ...Object.fromEntries(ports.map((service) => [service.toUpperCase(), String(office.port(service))])),
    });
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^Ran [1-9]\d* tests/m);
  });
}
