/** The POP3 conformance suite (conformance/pop3), pointed at a server of ours. It must keep every MUST and SHOULD, and every case must be looked at. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CASES, examine, type Verdict } from '../../conformance/pop3/main.ts';
import { PASSWORD, trialOffice } from '../helpers/office.ts';

test('Rainmail keeps what the POP3 RFCs ask for', async (t) => {
  // Nobody is there: what the cases try is seen to be no token without being asked about.
  const config = '[openid]\nissuer = "https://localhost:9"\naudience = ["mail.office.test"]';
  const office = await trialOffice(t, { people: ['anna'], config });
  const address = (service: 'pop3' | 'pop3s') => ({
    host: '127.0.0.1',
    port: office.port(service),
    tls: service === 'pop3s',
  });
  const target = {
    plain: address('pop3'),
    implicit: address('pop3s'),
    user: 'anna@office.test',
    password: PASSWORD,
    delivery: {
      protocol: 'lmtp',
      host: '127.0.0.1',
      port: office.port('lmtp'),
      recipient: 'anna@office.test',
    },
  } as const;
  const broken: string[] = [];
  const others: Verdict[] = [];
  for await (const verdict of examine(target)) {
    if (verdict.result === 'broken')
      broken.push(`${verdict.id} ${verdict.says}: ${verdict.reason}\n${verdict.transcript}`);
    if (verdict.result === 'not applicable') others.push(verdict);
  }
  assert.deepEqual(broken, []);
  assert.deepEqual(
    others.map(({ reason }) => reason),
    ['LOGIN-DELAY is not announced'],
  );
});

test('every case of the suite has an id of its own', () => {
  const ids = CASES.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  for (const id of ids) assert.match(id, /^RFC\d{4}-\d+(\.\d+)*-\d{2}$/);
});
