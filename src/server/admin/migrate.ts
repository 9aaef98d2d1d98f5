/** Moves accounts in from other servers (src/migrate). Killed or stopped half-way, it goes on where it was when it is run again. */
import { z } from 'zod';
import { Refused } from '../../errors.ts';
import { type MovingPerson, moveIn } from '../../migrate/move-in.ts';
import type { AccountReport } from '../../migrate/report.ts';
import { uidlFormat } from '../../migrate/uidl.ts';
import { nowSeconds } from '../../store/ids.ts';
import { recordAudit } from '../../store/operations/audit.ts';
import { action } from './action.ts';

export interface Migrated {
  readonly accounts: readonly AccountReport[];
}

const endpoint = {
  host: z.string().min(1),
  port: z.number().int().min(1).max(65_535),
  security: z.enum(['tls', 'starttls', 'none']),
  certificate: z
    .string()
    .regex(/^(?:[0-9A-Fa-f]{2}:?){32}$/)
    .optional(),
};

export const migrate = action({
  name: 'migrate',
  input: z.strictObject({
    what: z.enum(['pull', 'check', 'finish']),
    source: z.strictObject({ protocol: z.enum(['imap', 'pop3']), ...endpoint }),
    people: z
      .array(z.strictObject({ account: z.string(), user: z.string().min(1), password: z.string().optional() }))
      .min(1),
    /** Signs in for everybody: as `user` + separator + name (Dovecot), or with SASL PLAIN on behalf of the user. */
    master: z.strictObject({ name: z.string(), password: z.string(), separator: z.string().optional() }).optional(),
    parallel: z.number().int().min(1).max(64),
    keepRemoved: z.boolean(),
    leaveOut: z.boolean(),
    /** The user when another name is used there; only for one person. */
    uidlFrom: z.strictObject({ protocol: z.literal('pop3'), user: z.string().optional(), ...endpoint }).optional(),
    uidlFormat: z.string().optional(),
  }),

  async run({ store, directory }, input, { progress, signal, actor }): Promise<Migrated> {
    const { master, uidlFormat: format, uidlFrom, ...request } = input;
    const people: MovingPerson[] = [];
    // All or none: a wrong name is told before anything begins.
    for (const { account, user, password } of input.people) {
      const { id, name } = await directory.account(account);
      people.push({ id, name, user, signIn: signInOf(user, password, master) });
    }
    const audit = async (name: string, subject: string, detail: Record<string, unknown>) => {
      if (input.what === 'check') return;
      const entry = { actor, action: name, subject, detail };
      await store.engine.write((tx) => recordAudit(tx, entry, nowSeconds()));
    };
    const accounts = await moveIn(
      store,
      {
        ...request,
        people,
        ...(uidlFrom === undefined ? {} : { uidlFrom }),
        ...(format === undefined ? {} : { uidlFormat: uidlFormat(format) }),
      },
      {
        progress,
        signal,
        // Before, since what is gone at the source may be removed here; and what became of it.
        onBegin: (account, source) =>
          audit(`migrate.${input.what}`, account, { source, keepRemoved: input.keepRemoved }),
        onReport: ({ account, source, outcome, brought, flagged, moved, removed, skippedCount: skipped }) =>
          audit('migrate.report', account, { source, outcome, brought, flagged, moved, removed, skipped }),
      },
    );
    return { accounts };
  },
});

interface Master {
  readonly name: string;
  readonly password: string;
  readonly separator?: string | undefined;
}

function signInOf(user: string, password: string | undefined, master: Master | undefined): MovingPerson['signIn'] {
  if (master?.separator !== undefined)
    return { user: `${user}${master.separator}${master.name}`, password: master.password };
  if (master !== undefined) return { user: master.name, password: master.password, authorize: user };
  if (password !== undefined) return { user, password };
  throw new Refused(
    'directory.invalid',
    `There is no password for ${user}: add it to the list, or give --master-user.`,
  );
}
