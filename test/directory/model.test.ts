/** Random histories of directory changes: after each change, every address leads where a plain model says. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DirectoryChanges } from '../../src/directory/changes/directory-changes.ts';
import type { Directory } from '../../src/directory/directory.ts';
import { Refused } from '../../src/errors.ts';
import fc from '../helpers/properties.ts';
import { type Gone, ModelDirectory, NotPossible } from './model.ts';
import { openOffice, PASSWORD } from './office.ts';

const DOMAINS = ['office.test', 'shop.test', 'old.test'];
const LOCALS = ['anna', 'ben', 'anna+x', 'team', 'postmaster'];
const ELSEWHERE = ['anna@home.test', 'ben@home.test'];
const ADDRESSES = DOMAINS.flatMap((domain) => LOCALS.map((local) => `${local}@${domain}`));
/** What mail may be sent to: more than anybody has. */
const ASKED = DOMAINS.flatMap((domain) =>
  [...LOCALS, 'abuse', 'anna+x+y', 'anna-list', 'team+anna-x', 'nobody', '+anna'].map((local) => `${local}@${domain}`),
);

/** One of those that are there when its turn comes; so that most changes are possible, and meet what others made. */
interface Pick {
  readonly from: 'people' | 'aliases' | 'groups' | 'domains' | 'held';
  readonly at: number;
}

function picked({ from, at }: Pick, model: ModelDirectory): string {
  const there = {
    people: () => [...model.people].map(({ name }) => name),
    aliases: () => [...model.aliases.keys()],
    groups: () => [...model.groups.keys()],
    domains: () => [...model.domains.keys()],
    held: () => [...model.addresses()],
  }[from]();
  return there.length === 0 ? ADDRESSES[at % ADDRESSES.length]! : there[at % there.length]!;
}

const any = fc.constantFrom(...ADDRESSES);
const domainName = fc.constantFrom(...DOMAINS);
const groupName = fc.constantFrom('Sales', 'All', 'Board');
const pick = (from: Pick['from'], else_: fc.Arbitrary<string>): fc.Arbitrary<string | Pick> =>
  fc.oneof({ weight: 7, arbitrary: fc.nat(50).map((at): Pick => ({ from, at })) }, { weight: 1, arbitrary: else_ });
const person = pick('people', any);
const alias = pick('aliases', any);
const group = pick('groups', groupName);
const domain = pick('domains', domainName);
const held = fc.option(pick('held', any), { nil: null, freq: 6 });

const somebody = fc.oneof({ weight: 3, arbitrary: person }, { weight: 1, arbitrary: fc.constantFrom(...ELSEWHERE) });
const somewhere = fc.oneof(
  { weight: 3, arbitrary: pick('held', any) },
  { weight: 1, arbitrary: fc.constantFrom(...ELSEWHERE) },
);

type Anything = (...args: unknown[]) => unknown;

/** Where the directory has each change of the model; the arguments are the same. */
const CHANGES = {
  addAccount: ({ accounts }) => [accounts, accounts.add],
  removeAccount: ({ accounts }) => [accounts, accounts.remove],
  renameAccount: ({ accounts }) => [accounts, accounts.rename],
  setState: ({ accounts }) => [accounts, accounts.setState],
  addAlias: ({ aliases }) => [aliases, aliases.add],
  removeAlias: ({ aliases }) => [aliases, aliases.remove],
  renameAlias: ({ aliases }) => [aliases, aliases.rename],
  addDomain: ({ domains }) => [domains, domains.add],
  removeDomain: ({ domains }) => [domains, domains.remove],
  renameDomain: ({ domains }) => [domains, domains.rename],
  setCatchAll: ({ domains }) => [domains, domains.setCatchAll],
  setSubaddress: ({ domains }) => [domains, domains.setSubaddress],
  addGroup: ({ groups }) => [groups, groups.add],
  removeGroup: ({ groups }) => [groups, groups.remove],
  setGroupAddress: ({ groups }) => [groups, groups.setAddress],
  joinGroup: ({ groups }) => [groups, groups.join],
  leaveGroup: ({ groups }) => [groups, groups.leave],
  setPosting: ({ groups }) => [groups, groups.setPosting],
  setForwarding: ({ forwarding }) => [forwarding, forwarding.set],
  removeForwarding: ({ forwarding }) => [forwarding, forwarding.remove],
} as const satisfies Partial<Record<keyof ModelDirectory, (changes: DirectoryChanges) => readonly [object, unknown]>>;

type Name = keyof typeof CHANGES;
type Step = readonly [name: Name, ...args: unknown[]];

const step = (weight: number, name: Name, ...args: fc.Arbitrary<unknown>[]) => ({
  weight,
  arbitrary: fc.tuple(...args).map((values): Step => [name, ...values]),
});
const keepOld = fc.boolean().map((keep) => ({ keepOld: keep }));
const keeps = fc.boolean().map((keep) => ({ keeps: keep }));

const steps = fc.array(
  fc.oneof(
    step(
      4,
      'addAccount',
      any.map((address) => ({ address, password: PASSWORD })),
    ),
    step(2, 'removeAccount', person),
    step(4, 'renameAccount', person, any, keepOld),
    step(4, 'setState', person, fc.constantFrom('active', 'suspended', 'closed')),
    step(6, 'addAlias', fc.oneof(alias, any), somebody),
    step(2, 'removeAlias', alias),
    step(3, 'renameAlias', alias, any),
    step(2, 'addDomain', domainName),
    step(1, 'removeDomain', domain),
    step(2, 'renameDomain', domain, domainName, keepOld),
    step(5, 'setCatchAll', domain, held),
    step(2, 'setSubaddress', domain, fc.constantFrom('+', '-', '')),
    step(2, 'addGroup', groupName),
    step(1, 'removeGroup', group),
    step(4, 'setGroupAddress', group, fc.option(any, { nil: null, freq: 4 })),
    step(5, 'joinGroup', group, somebody),
    step(2, 'leaveGroup', group, somebody),
    step(1, 'setPosting', group, fc.constantFrom(['anyone'], ['members'])),
    step(9, 'setForwarding', person, fc.array(somewhere, { minLength: 1, maxLength: 3 }), keeps),
    step(1, 'removeForwarding', person),
  ),
  { minLength: 60, maxLength: 100 },
);

async function answer(directory: Directory, asked: string): Promise<Gone | string> {
  const resolved = await directory.resolve(asked);
  if (resolved.kind !== 'accounts') return resolved.kind;
  const { here, forwards } = resolved.onward ?? { here: resolved.accounts, forwards: [] };
  return { here: here.map(({ name }) => name).sort(), elsewhere: forwards.map(({ to }) => to).sort() };
}

/** The same change of the directory. */
function change(changes: DirectoryChanges, name: Name, args: unknown[]): unknown {
  const [subject, method] = CHANGES[name](changes);
  return (method as Anything).apply(subject, args);
}

function drawn(value: unknown, model: ModelDirectory): unknown {
  if (Array.isArray(value)) return value.map((one) => drawn(one, model));
  return typeof value === 'object' && value !== null && 'from' in value ? picked(value as Pick, model) : value;
}

async function isRefused(attempt: () => unknown): Promise<boolean> {
  try {
    await attempt();
    return false;
  } catch (error) {
    if (error instanceof Refused || error instanceof NotPossible) return true;
    throw error;
  }
}

test('after any history of changes every address leads where a plain model says, and no address means two things', async (t) => {
  await fc.assert(
    fc.asyncProperty(steps, async (history) => {
      const { directory, reopen } = await openOffice(t, { domains: ['office.test', 'shop.test'] });
      const changes = directory.by('the test');
      const model = new ModelDirectory();
      model.addDomain('office.test');
      model.addDomain('shop.test');
      const told: string[] = [];
      for (const [name, ...values] of history) {
        const args = values.map((value) => drawn(value, model));
        const possible = !(await isRefused(() => (model[name] as Anything).apply(model, args)));
        told.push(`${name} ${JSON.stringify(args)}${possible ? '' : ', which is refused'}`);
        const refused = await isRefused(() => change(changes, name, args));
        assert.equal(refused, !possible, told.join('\n'));
        for (const asked of ASKED) {
          assert.deepEqual(await answer(directory, asked), model.resolve(asked), `${told.join('\n')}\n-> ${asked}`);
        }
        const all = [...model.addresses()];
        assert.equal(new Set(all).size, all.length, told.join('\n'));
      }
      assert.deepEqual(await Array.fromAsync(directory.ways.forwardings()), model.forwardings(), told.join('\n'));
      const again = await reopen();
      for (const asked of ASKED) assert.deepEqual(await answer(again, asked), model.resolve(asked), 'after a restart');
    }),
    { numRuns: Number(process.env['DIRECTORY_RUNS'] ?? 8), endOnFailure: true }, // the whole history is told; to make it shorter takes long,
  );
});
