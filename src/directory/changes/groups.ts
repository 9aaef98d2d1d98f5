/** Changing groups, and who is in them. */
import type { Writer } from '../../store/engine/engine.ts';
import { nowSeconds } from '../../store/ids.ts';
import { type Address, formatAddress } from '../address.ts';
import * as groupMail from '../group-mail.ts';
import * as groups from '../groups.ts';
import * as guard from '../outside/guard.ts';
import * as quotas from '../quotas.ts';
import { canonicalAddress, requireAddress, requireDisplayName, requireGroupName } from '../rules.ts';
import type { Posting } from '../types.ts';
import type { AuditedChanges } from './audited.ts';

export class GroupChanges {
  readonly #audited: AuditedChanges;

  constructor(audited: AuditedChanges) {
    this.#audited = audited;
  }

  /** @returns its name as it is kept @throws Refused `directory.exists`, `directory.invalid`, `directory.missing` */
  async add(
    text: string,
    { description = '', address }: { description?: string; address?: string | undefined } = {},
  ): Promise<string> {
    const name = requireGroupName(text);
    const wanted = address === undefined ? null : requireAddress(address);
    const about = requireDisplayName(description);
    const detail = { description: about, address: wanted && formatAddress(wanted) };
    await this.#audited.make({ action: 'group.add', subject: name, also: alsoAddress(wanted), detail }, async (tx) => {
      await groups.addGroup(tx, name, about, nowSeconds());
      if (wanted !== null) await groups.setGroupAddress(tx, name, wanted);
    });
    return name;
  }

  /** Removes a group; the people in it stay. @throws Refused `directory.missing` */
  async remove(text: string): Promise<void> {
    const name = requireGroupName(text);
    const remove = async (tx: Writer) => {
      await guard.requireGroupHere(tx, name);
      await groups.removeGroup(tx, name);
      await quotas.recomputeAll(tx);
    };
    await this.#audited.makeForAccess({ action: 'group.remove', subject: name }, remove, () => 'all');
    await this.#audited.host.recompute();
  }

  /** @throws Refused `directory.exists`, `directory.missing`, `directory.invalid` */
  async rename(text: string, wanted: string): Promise<void> {
    const name = requireGroupName(text);
    const to = requireGroupName(wanted);
    const told = { action: 'group.rename', subject: name, also: [to], detail: { to } };
    await this.#audited.makeForAccess(
      told,
      (tx) => groups.renameGroup(tx, name, to),
      () => 'all', // of two groups of one rank the name decides
      (tx) => guard.requireGroupHere(tx, name),
    );
  }

  /** @param text  null: the group gets no mail @throws Refused `directory.exists`, `directory.missing`, `directory.invalid` */
  async setAddress(group: string, text: string | null): Promise<void> {
    const name = requireGroupName(group);
    const address = text === null ? null : requireAddress(text);
    const told = {
      action: 'group.address',
      subject: name,
      also: alsoAddress(address),
      detail: (before: string | null) => ({ address: address && formatAddress(address), before }),
    };
    await this.#audited.make(told, (tx) => groups.setGroupAddress(tx, name, address));
  }

  /** Says who may post. @param words  anyone, members or people, and addresses @throws Refused `directory.missing`, `directory.invalid` */
  async setPosting(group: string, words: readonly string[]): Promise<void> {
    const name = requireGroupName(group);
    const posting = groupMail.requirePosting(words);
    const told = { action: 'group.posting', subject: name, detail: (before: Posting) => ({ ...posting, before }) };
    await this.#audited.make(told, (tx) => groupMail.setPosting(tx, name, posting));
  }

  /** Makes people, and addresses elsewhere, members of a group: all or none. @throws Refused `directory.missing`, `directory.invalid`, `relay.forbidden` */
  async join(group: string, ...accountNames: readonly string[]): Promise<void> {
    const name = requireGroupName(group);
    const wanted = accountNames.map(requireAddress);
    const members = wanted.map(formatAddress);
    const told = { action: 'group.join', subject: name, also: members, detail: { accounts: members } };
    const join = async (tx: Writer) => {
      await guard.requireGroupHere(tx, name);
      const ids = await groupMail.joinAddresses(tx, name, wanted, this.#audited.host.mayLeave);
      for (const id of ids) await quotas.recomputeAccount(tx, id);
      return ids;
    };
    await this.#audited.makeForAccess(told, join, (ids) => ids);
  }

  /** Takes people out of a group: all or none. @throws Refused `directory.missing` */
  async leave(group: string, ...accountNames: readonly string[]): Promise<void> {
    const name = requireGroupName(group);
    const members = accountNames.map(canonicalAddress);
    const told = { action: 'group.leave', subject: name, also: members, detail: { accounts: members } };
    const leave = async (tx: Writer) => {
      await guard.requireGroupHere(tx, name);
      const ids = await groupMail.leaveAddresses(tx, name, members);
      for (const id of ids) await quotas.recomputeAccount(tx, id);
      return ids;
    };
    await this.#audited.makeForAccess(told, leave, (ids) => ids);
  }
}

function alsoAddress(address: Address | null): string[] {
  return address === null ? [] : [formatAddress(address)];
}
