/** The access policy against a plain model of it: every combination, and policies made at random. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { obstacle, type Use } from '../../../src/directory/access/access.ts';
import type { PolicyRule } from '../../../src/directory/access/decide.ts';
import { EffectiveAccess } from '../../../src/directory/access/effective.ts';
import { formatPolicyFile } from '../../../src/directory/access/file.ts';
import { refusal } from '../../../src/directory/access/refusal.ts';
import { POLICY_NAMES, POLICY_SETTINGS } from '../../../src/directory/access/settings.ts';
import { CREDENTIAL_KINDS, SIGN_IN_PROTOCOLS } from '../../../src/directory/types.ts';
import fc from '../../helpers/properties.ts';
import { openOffice } from '../office.ts';
import { type ModelPerson, type ModelRule, mayUse, settingsOf } from './model.ts';

const ADDRESSES = ['192.0.2.7', '198.51.100.7', '2001:db8:1:2::7', '::ffff:192.0.2.7'] as const;
const NETWORKS = ['any', '192.0.2.0/24', '198.51.100.7,2001:db8:1::/48'];
const CREDENTIALS = ['any', 'password', 'app', 'oauth', 'password,oauth'];
const WAYS = [
  { secure: true, local: false },
  { secure: false, local: true },
  { secure: false, local: false },
];

/** As the model reads addresses. */
function plain(use: Use): Use {
  return { ...use, address: use.address.replace('::ffff:', '') };
}

function* uses(): Generator<Omit<Use, 'service'>> {
  for (const address of ADDRESSES)
    for (const credential of CREDENTIAL_KINDS) for (const way of WAYS) yield { address, credential, ...way };
}

test('every combination of level, service, network, credential and TLS is open or closed as the model has it', () => {
  const policy = new EffectiveAccess();
  const person: ModelPerson = {
    name: 'anna@office.test',
    groups: [
      { name: 'Sales', rank: 10 },
      { name: 'Shop', rank: 100 },
    ],
  };
  /** Who may say something of her, and what is opposed to it further away. */
  const levels: readonly (readonly [scope: ModelRule['scope'], name: string, rank: number])[] = [
    ['account', person.name, 0],
    ['group', 'Sales', 10],
    ['group', 'Shop', 100],
    ['domain', 'office.test', 0],
    ['everyone', '', 0],
  ];
  let combinations = 0;
  for (const [at, [scope, name, rank]] of levels.entries()) {
    for (const service of SIGN_IN_PROTOCOLS) {
      for (const on of ['on', 'off'])
        for (const networks of NETWORKS)
          for (const credentials of CREDENTIALS)
            for (const tls of ['required', 'optional']) {
              const said = {
                [service]: on,
                [`${service}.networks`]: networks,
                [`${service}.credentials`]: credentials,
              };
              const near = { ...said, [`${service}.tls`]: tls };
              const far = { [service]: on === 'on' ? 'off' : 'on', [`${service}.networks`]: '203.0.113.1' };
              const rules: PolicyRule[] = [];
              const say = (level: (typeof levels)[number], what: Record<string, string>) => {
                for (const [setting, value] of Object.entries(what)) {
                  rules.push({
                    scope: level[0],
                    name: level[1],
                    rank: level[2],
                    setting: setting as PolicyRule['setting'],
                    value,
                  });
                }
              };
              for (const level of levels.slice(at + 1)) say(level, far);
              say([scope, name, rank], near);
              const access = policy.from(rules);
              const settings = settingsOf(rules, person);
              for (const how of uses()) {
                const use: Use = { service, ...how };
                assert.equal(
                  obstacle(access, use) === null,
                  mayUse(settings, plain(use)),
                  JSON.stringify({ rules, use }),
                );
                combinations++;
              }
              // What is said of one service says nothing of another.
              const other = SIGN_IN_PROTOCOLS[(SIGN_IN_PROTOCOLS.indexOf(service) + 1) % SIGN_IN_PROTOCOLS.length]!;
              assert.equal(
                refusal(access, {
                  service: other,
                  address: '203.0.113.9',
                  credential: 'app',
                  secure: true,
                  local: false,
                }),
                null,
              );
            }
    }
  }
  assert.equal(combinations, 5 * 6 * 2 * 3 * 5 * 2 * (4 * 3 * 3));
});

/** Policies of a small office at random, as rules of the model. */
const PEOPLE = ['anna@office.test', 'ben@office.test', 'carl@shop.test'];
const GROUPS = ['Sales', 'Shop', 'Sales "and" service'];
const VALUES: Readonly<Record<string, readonly string[]>> = {
  networks: NETWORKS,
  credentials: CREDENTIALS,
  tls: ['required', 'optional'],
  prefer: ['imap', 'pop3'],
  'submission.senders': ['own', 'domain', 'any'],
  forward: ['on', 'off'],
  language: ['en', 'nl'],
  'pop3.letGo': ['keep', 'remove', '30d', 'folder:Old # "mail"'],
  'pop3.folders': ['INBOX', 'INBOX,Archive/2024', 'a\\,b,c'],
};

const subject: fc.Arbitrary<Pick<ModelRule, 'scope' | 'name'>> = fc.oneof(
  fc.constant({ scope: 'everyone' as const, name: '' }),
  fc.constantFrom('office.test', 'shop.test').map((name) => ({ scope: 'domain' as const, name })),
  fc.constantFrom(...GROUPS).map((name) => ({ scope: 'group' as const, name })),
  fc.constantFrom(...PEOPLE).map((name) => ({ scope: 'account' as const, name })),
);
const settingAndValue = fc
  .constantFrom(...POLICY_NAMES)
  .chain((setting) =>
    fc
      .constantFrom(...(VALUES[setting] ?? VALUES[setting.split('.')[1] ?? ''] ?? ['on', 'off']))
      .map((value) => ({ setting, value })),
  );
const policies = fc.uniqueArray(
  fc.tuple(subject, settingAndValue).map(([whom, what]) => ({ ...whom, ...what })),
  { maxLength: 60, selector: ({ scope, name, setting }) => `${scope} ${name} ${setting}` },
);

/** How many policies are made. */
const RUNS = Number(process.env['RAINMAIL_POLICY_RUNS'] ?? 25);

test('whatever is loaded: everybody may what the model says, explain says why, and the file reads back', async (t) => {
  const { directory } = await openOffice(t, { domains: ['office.test', 'shop.test'], people: PEOPLE });
  const changes = directory.by('the test');
  const policy = new EffectiveAccess();
  for (const group of GROUPS) await changes.groups.add(group);
  const members = new Map([
    ['anna@office.test', GROUPS],
    ['ben@office.test', ['Shop']],
    ['carl@shop.test', []],
  ]);
  for (const [name, groups] of members) for (const group of groups) await changes.groups.join(group, name);
  const ids = new Map<string, Awaited<ReturnType<typeof directory.account>>['id']>();
  for (const name of PEOPLE) ids.set(name, (await directory.account(name)).id);

  const ranks = fc.record({ Sales: fc.nat(3), Shop: fc.nat(3), 'Sales "and" service': fc.nat(3) });
  await fc.assert(
    fc.asyncProperty(policies, ranks, async (rules, rank) => {
      for (const [group, value] of Object.entries(rank)) await changes.policy.setRank(group, value);
      const written = rules.map((rule) => ({ ...rule, rank: 0 }));
      await changes.policy.load(formatPolicyFile(written));
      for (const name of PEOPLE) {
        const groups = members.get(name)!.map((group) => ({ name: group, rank: rank[group as keyof typeof rank] }));
        const settings = settingsOf(rules, { name, groups });
        const decisions = await directory.explainPolicy(ids.get(name)!);
        assert.deepEqual(Object.fromEntries(decisions.map((one) => [one.setting.name, one.value])), settings);
        const access = await directory.access(ids.get(name)!);
        assert.equal((await directory.signInRecord(name))!.access, access);
        for (const service of SIGN_IN_PROTOCOLS) {
          for (const how of uses()) {
            const use: Use = { service, ...how };
            const setting = obstacle(access, use);
            assert.equal(setting === null, mayUse(settings, plain(use)));
            assert.equal(setting === null, refusal(access, use) === null);
            if (setting === null) continue;
            // What explain shows for it is why: it is set by somebody, and were it open, it would not be in the way.
            const why = decisions.find((one) => one.setting.name === setting)!;
            if (!use.secure && !use.local) continue; // closed without anybody's rule
            assert.equal(why.rules[0]?.value, why.value, setting);
            const others = decisions.flatMap((one) => (one.setting.name === setting ? [] : one.rules));
            const value = OPEN[setting.split('.')[1] ?? 'on']!;
            const opened = policy.from([...others, { scope: 'account', name, rank: 0, setting, value }]);
            assert.notEqual(obstacle(opened, use), setting);
          }
        }
      }
      const file = formatPolicyFile(await directory.policyRules());
      const again = await changes.policy.load(file);
      assert.deepEqual([again.set, again.unset, again.settings], [0, 0, rules.length]);
      assert.equal(formatPolicyFile(await directory.policyRules()), file);
      const inNoGroup = { name: 'somebody@shop.test', groups: [] };
      const ofDomain = (await directory.domainAccess('shop.test'))!;
      assert.equal(
        ofDomain.prefer,
        settingsOf(
          rules.filter(({ scope }) => scope !== 'account'),
          inNoGroup,
        )['prefer'],
      );
    }),
    { numRuns: RUNS },
  );
});

/** The value of each kind of setting that stands in nobody's way. */
const OPEN: Readonly<Record<string, string>> = { on: 'on', networks: 'any', credentials: 'any', tls: 'optional' };

test('every setting tells how its values are written, and keeps each of its examples as it is', () => {
  for (const { name, about, values, choices, canonical } of POLICY_SETTINGS) {
    assert.match(about, /^[A-Z].*\.$/, name);
    assert.ok(values.length > 0 && choices.length > 0, name);
    for (const value of choices) assert.equal(canonical(value), value, name);
    for (const wrong of ['', ' ', ',', 'maybe', 'any,', '192.0.2.0/33', 'password,any', '\0']) {
      if (name !== 'pop3.folders') assert.equal(canonical(wrong), undefined, `${name}=${wrong}`);
    }
    for (const value of [...(VALUES[name] ?? VALUES[name.split('.')[1] ?? ''] ?? ['on', 'off'])]) {
      const kept = canonical(value);
      assert.ok(kept !== undefined, `${name}=${value}`);
      assert.equal(canonical(kept), kept);
      assert.equal(canonical(` ${value} `), kept);
    }
  }
});
