/** What becomes of messages that POP3 devices have deleted, as an administrator writes it. Pure. */
import { parseDuration } from './units.ts';

export type LetGo =
  | { readonly kind: 'keep' | 'remove' }
  | { readonly kind: 'move'; readonly folder: string }
  | { readonly kind: 'after'; readonly seconds: number };

/** `keep`, `remove`, `folder:Archive`, or a time of at least a day (`30d`); undefined when it is none of them. */
export function parseLetGo(text: string): LetGo | undefined {
  if (text === 'keep' || text === 'remove') return { kind: text };
  const folder = /^folder:(.+)$/.exec(text)?.[1];
  if (folder !== undefined) return { kind: 'move', folder };
  const milliseconds = parseDuration(text);
  return milliseconds === undefined || milliseconds < 86_400_000
    ? undefined
    : { kind: 'after', seconds: milliseconds / 1_000 };
}
