/**
 * An administrative action: one function over an {@link Office}, with a checked input. The command line runs it in the server
 * when one is running (through the admin socket), else directly on the data directory; the action can't tell the difference.
 */
import type { z } from 'zod';
import { BadCommand } from '../../errors.ts';
import type { OnProgress } from '../../progress.ts';
import type { Office } from '../office.ts';

export interface Action<Input, Result> {
  /** As in the admin protocol: `account.add`. */
  readonly name: string;
  /** What it takes; everything must survive JSON. */
  readonly input: z.ZodType<Input>;
  /** True when it may make the data directory, if there is none. */
  readonly creates?: boolean;
  /** @throws Refused with a text for the administrator */
  run(office: Office, input: Input, run: Run): Promise<Result>;
}

/** What an action may tell and hear while it runs. */
export interface Run {
  /** Says how far it is; shown on one line. */
  readonly progress: OnProgress;
  /** Who asked for it, for the audit: `root on the command line`. */
  readonly actor: string;
  /** Aborts when the one who asked has gone away. */
  readonly signal: AbortSignal;
}

/** Declares an action; the types of its input and result follow from it. */
export function action<Input, Result>(definition: Action<Input, Result>): Action<Input, Result> {
  return definition;
}

/** @throws BadCommand in words for who has given the command */
export function inputFor<Input, Result>({ input }: Action<Input, Result>, given: unknown): Input {
  const parsed = input.safeParse(given);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, code, message, ...issue }) => {
    const name = path.map((part) => String(part).replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)).join('.');
    const isEmpty = code === 'too_small' && 'minimum' in issue && issue.minimum === 1;
    return `${name === '' ? 'the command' : name} ${isEmpty ? 'is empty' : `can not be taken: ${message}`}`;
  });
  throw new BadCommand(`${faults.join('; ')}.`);
}
