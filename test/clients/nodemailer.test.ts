/** nodemailer: composes mail and submits it. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import { ImapFlow } from 'imapflow';
import { createTransport, type SMTPTransport } from 'nodemailer';
import { defer } from '../helpers/defer.ts';
import { PASSWORD, type TrialOffice } from '../helpers/office.ts';
import { type ClientHome, clientOffice, numbered } from './client.ts';
import { withoutTrace } from './odd-messages.ts';

type Service = 'smtp' | 'lmtp' | 'submission' | 'submissions';

/** Options for a service of the office, signed in as anna where one signs in. */
async function reach(office: TrialOffice, home: ClientHome, service: Service): Promise<SMTPTransport.Options> {
  return {
    host: 'localhost',
    port: office.port(service),
    secure: service === 'submissions',
    requireTLS: service === 'submission',
    lmtp: service === 'lmtp',
    tls: { ca: await readFile(home.ca) },
    ...(service.startsWith('sub') && { auth: { user: office.address('anna'), pass: PASSWORD } }),
  };
}
