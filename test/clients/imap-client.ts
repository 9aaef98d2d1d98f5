/** The IMAP client library imapflow, for the tests of it and of others. */
import { readFile } from 'node:fs/promises';
import type { TestContext } from 'node:test';
import { ImapFlow } from 'imapflow';
import { defer } from '../helpers/defer.ts';
import { PASSWORD, type TrialOffice } from '../helpers/office.ts';
import type { ClientHome } from './client.ts';

export interface SignIn {
  readonly person?: string;
  readonly starttls?: boolean;
  /** `LOGIN`, `AUTH=PLAIN` or `AUTH=LOGIN`. */
  readonly loginMethod?: string;
}

/** Signs in, as anna unless said otherwise; the connection ends with the test. Without TLS if the service is `imap` and `starttls` is false. */
export async function connect(
  t: TestContext,
  office: TrialOffice,
  { ca }: Pick<ClientHome, 'ca'>,
  service: 'imap' | 'imaps',
  { person = 'anna', starttls = true, loginMethod }: SignIn = {},
): Promise<ImapFlow> {
  const imap = new ImapFlow({
    host: 'localhost',
    port: office.port(service),
    secure: service === 'imaps',
    doSTARTTLS: service === 'imap' && starttls,
    auth: { user: office.address(person), pass: PASSWORD, ...(loginMethod !== undefined && { loginMethod }) },
    tls: { ca: await readFile(ca) },
    logger: false,
  });
  await imap.connect();
  defer(t, () => imap.close());
  return imap;
}
