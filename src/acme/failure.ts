/** Why no certificate came, in the words of the authority. Pure. */
import { z } from 'zod';

/**
 * - `unreachable`: no answer, or an error of the authority's own: nothing was counted against us.
 * - `limited`: the authority wants fewer requests.
 * - `refused`: it said no, as a rule because a name failed its check.
 */
export type FailureKind = 'unreachable' | 'limited' | 'refused';

export class AcmeFailure extends Error {
  override readonly name = 'AcmeFailure';
  readonly kind: FailureKind;
  /** The type of the problem without `urn:ietf:params:acme:error:`; empty when there was none. */
  readonly type: string;
  /** Seconds before which the authority does not want to be asked again; null: it did not say. */
  readonly retryAfter: number | null;

  constructor(
    kind: FailureKind,
    text: string,
    options: ErrorOptions & { readonly type?: string; readonly retryAfter?: number | null } = {},
  ) {
    super(text, options);
    this.kind = kind;
    this.type = options.type ?? '';
    this.retryAfter = options.retryAfter ?? null;
  }
}

/** A problem document (RFC 8555 6.7). What an authority says is shown to people: bounded, and on one line. */
const problem = z.object({
  type: z.string().catch(''),
  detail: z.string().catch(''),
  identifier: z.object({ value: z.string() }).nullish().catch(null),
  subproblems: z.array(z.unknown()).max(100).catch([]),
});

const URN = 'urn:ietf:params:acme:error:';
const MOST_TEXT = 500;

/** The text of a problem document, with those of its parts (RFC 8555 6.7.1): `mail.example.org: no address. `. */
export function problemText(document: unknown): string {
  const { data } = problem.safeParse(document);
  if (data === undefined) return '';
  const parts = data.subproblems.map(problemText).filter((text) => text !== '');
  const name = data.identifier === null || data.identifier === undefined ? '' : `${data.identifier.value}: `;
  const text = [`${name}${data.detail || data.type}`, ...parts].join('; ');
  return text
    .replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .trim()
    .slice(0, MOST_TEXT);
}

/** An answer with an error status. */
export function problemFailure(
  status: number,
  document: unknown,
  retryAfter: number | null,
  cause: unknown,
): AcmeFailure {
  const type = (problem.safeParse(document).data?.type ?? '').replace(URN, '');
  const kind = type === 'rateLimited' || status === 429 ? 'limited' : status >= 500 ? 'unreachable' : 'refused';
  const text = problemText(document) || `HTTP status ${status}`;
  return new AcmeFailure(kind, `The authority says: ${text.replace(/\.?$/, '.')}`, { type, retryAfter, cause });
}
