/** An office with backups, whose disk dies. */
import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RepositoryKey } from '../../src/backup/repository/key.ts';
import { materialise, using } from '../backup/helpers.ts';
import { rainmail, type TrialOffice } from '../helpers/office.ts';

/** An office with a repository for its backups. */
export class InsuredOffice {
  readonly office: TrialOffice;
  readonly repository: string;
  readonly key: string;

  private constructor(office: TrialOffice, repository: string, key: string) {
    this.office = office;
    this.repository = repository;
    this.key = key;
  }

  static async at(office: TrialOffice): Promise<InsuredOffice> {
    const repository = join(office.folder, 'backups');
    const { key } = (await office.command('backup', 'init', '--to', repository)) as { key: string };
    return new InsuredOffice(office, repository, key);
  }

  async backUp(): Promise<void> {
    await this.office.command('backup', 'run');
  }

  /** The disk dies: nothing is left of the data directory. */
  async disaster(): Promise<void> {
    await this.office.kill();
    await rm(this.office.data, { recursive: true });
  }

  /** By the one command that an administrator gives. */
  async restore(): Promise<void> {
    const args = ['restore', 'server', '--from', this.repository, '--data', this.office.data];
    const { code, stdout, stderr } = await rainmail(args, { input: `${this.key}\n` });
    assert.equal(code, 0, stdout + stderr);
    await this.office.start();
  }

  /** As a restore would be that only copies: with the numbers that the backup has. */
  async restoreCarelessly(): Promise<void> {
    const place = { directory: this.repository, key: RepositoryKey.parse(this.key) };
    await using(place, 'read', async (backups) => {
      const snapshot = await backups.snapshot('latest');
      await materialise(snapshot, this.office.data);
      await writeFile(join(this.office.data, 'self-signed.pem'), await snapshot.readFile('self-signed.pem'));
    });
    await this.office.start();
  }
}
