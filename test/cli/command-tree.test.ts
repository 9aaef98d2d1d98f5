/** Every command of the tree: it says what it does, gives an example that works, and prints JSON for programs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Command } from 'commander';
import { program } from '../../src/cli/program.ts';
import { isGroup, parsed, walk } from '../helpers/understood.ts';

/** Runs until a signal ends it; its log is JSON. */
const WITHOUT_JSON = ['rainmail serve'];

function helpOf(command: Command): string {
  let help = '';
  command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
  return help;
}

function examplesOf(command: Command): string[] {
  const [, examples = ''] = /^Examples?:\n((?: {2}.*(?:\n|$))+)/m.exec(helpOf(command)) ?? [];
  return examples
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.trim());
}

const whole = await program();
const tree = walk(whole);

test('a command that is asked for comes alone, under its own name', async () => {
  for (const name of whole.commands.map((command) => command.name())) {
    const { commands } = await program(name);
    if (name !== 'completion')
      assert.deepEqual(
        commands.map((command) => command.name()),
        [name],
      ); // which shows them all
    else assert.equal(commands.length, whole.commands.length);
  }
});

test('every command, argument and option is described', () => {
  assert.ok(tree.length > 50);
  for (const [name, command] of tree) {
    assert.ok(command.description().length > 10, name);
    for (const option of command.options) assert.ok(option.description.length > 3, `${name} ${option.flags}`);
    assert.match(helpOf(command), new RegExp(`^Usage: ${name}`), name);
  }
});

test('every command prints its result as JSON if it is asked to', () => {
  for (const [name, command] of tree) {
    if (isGroup(command) || WITHOUT_JSON.includes(name)) continue;
    assert.ok(
      command.options.some(({ long }) => long === '--json'),
      `${name} has no --json`,
    );
  }
});

for (const [name, command] of tree) {
  if (isGroup(command)) continue;
  test(`the example of "${name}" is one of it, and is understood`, async () => {
    const examples = examplesOf(command);
    assert.ok(examples.length > 0, 'there is none');
    for (const example of examples) assert.equal(await parsed(example), name, example);
  });
}
