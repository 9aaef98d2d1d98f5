/** Random histories of directory changes: after each change, every address leads where a plain model says. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { DirectoryChanges } from '../../src/directory/changes.ts';
import type { Directory } from '../../src/directory/directory.ts';
import { Refused } from '../../src/errors.ts';
import { ModelDirectory, NotPossible } from './model.ts';
import { openOffice, PASSWORD } from './office.ts';

const DOMAINS = ['office.test', 'shop.test', 'old.test'];
const LOCALS = ['anna', 'ben', 'anna+x', 'team', 'postmaster'];
const ADDRESSES = DOMAINS.flatMap((domain) => LOCALS.map((local) => `${local}@${domain}`));
/** What mail may be sent to: more than anybody has. */
const ASKED = DOMAINS.flatMap((domain) =>
  [...LOCALS, 'anna+x+y', 'anna-list', 'team+anna-x', 'nobody', '+anna'].map((local) => `${local}@${domain}`),
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

/** A change that has the same name and arguments in directory and model. */
type Name = keyof ModelDirectory & keyof DirectoryChanges;
type Step = readonly [name: Name, ...args: unknown[]];
type Anything = (...args: unknown[]) => unknown;

const step = (weight: number, name: Name, ...args: fc.Arbitrary<unknown>[]) => ({
  weight,
  arbitrary: fc.tuple(...args).map((values): Step => [name, ...values]),
});
const keepOld = fc.boolean().map((keep) => ({ keepOld: keep }));

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
    step(6, 'addAlias', fc.oneof(alias, any), person),
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
    step(5, 'joinGroup', group, person),
    step(2, 'leaveGroup', group, person),
  ),
  { minLength: 60, maxLength: 100 },
);

async function answer(directory: Directory, asked: string): Promise<readonly string[] | string> {
  const resolved = await directory.resolve(asked);
  return resolved.kind === 'accounts' ? resolved.accounts.map(({ name }) => name).sort() : resolved.kind;
}

async function isRefused(change: () => unknown): Promise<boolean> {
  try {
    await change();
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
      for (const [name, ...drawn] of history) {
        const args = drawn.map((arg) =>
          typeof arg === 'object' && arg !== null && 'from' in arg ? picked(arg as Pick, model) : arg,
        );
        const possible = !(await isRefused(() => (model[name] as Anything).apply(model, args)));
        told.push(`${name} ${JSON.stringify(args)}${possible ? '' : ', which is refused'}`);
        const refused = await isRefused(() => (changes[name] as Anything).apply(changes, args));
        assert.equal(refused, !possible, told.join('\n'));
        for (const asked of ASKED) {
          assert.deepEqual(await answer(directory, asked), model.resolve(asked), `${told.join('\n')}\n-> ${asked}`);
        }
        const all = [...model.addresses()];
        assert.equal(new Set(all).size, all.length, told.join('\n'));
      }
      const again = await reopen();
      for (const asked of ASKED) assert.deepEqual(await answer(again, asked), model.resolve(asked), 'after a restart');
    }),
    { numRuns: Number(process.env['DIRECTORY_RUNS'] ?? 8), endOnFailure: true }, // the whole history is told; to make it shorter takes long,
  );
});
