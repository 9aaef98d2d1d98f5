/** A process that makes backups of states, one after the other, until it is killed: `node backing-up.ts REPOSITORY KEY FOLDER SEED`. Says each state's snapshot once it is made. */
import { RepositoryKey } from '../../src/backup/repository/key.ts';
import { prune } from '../../src/backup/repository/prune.ts';
import { Repository } from '../../src/backup/repository/repository.ts';
import { Random } from '../crash/random.ts';
import { backUpState, stateOf } from './repository/states.ts';

const [directory, key, folder, first] = process.argv.slice(2);
for (let number = Number(first); ; number++) {
  const remove = new Random(number).chance(0.25);
  const repository = await Repository.open(directory!, RepositoryKey.parse(key!), {
    use: remove ? 'remove' : 'add',
    command: 'test',
  });
  process.stdout.write(`begin ${number} ${remove ? 'prune' : 'run'}\n`);
  if (remove) {
    const retention = { daily: 3, weekly: 0, monthly: 0 };
    const pruned = await prune(
      { kind: 'prune', layout: repository.layout, retention },
      () => {},
      () => false,
    );
    process.stdout.write(`removed ${pruned.snapshotsRemoved.join(',')}\n`);
  } else {
    const { id } = await backUpState(repository.layout, folder!, stateOf(number), 1_790_000_000 + number * 86_400);
    process.stdout.write(`made ${number} ${id}\n`);
  }
  repository.close();
}
