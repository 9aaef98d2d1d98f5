/** What is measured, and what came out of it. */

export interface Bench {
  /** On the disk that is to be measured. */
  readonly scratch: string;
  /** Messages of a run. */
  readonly count: number;
  readonly quick: boolean;
  /** Null: it is not installed, or not wanted. */
  readonly postfix: { readonly version: string; readonly dovecot: string } | null;
  readonly signal: AbortSignal;
  /** A line of progress. */
  readonly say: (text: string) => void;
  /** What was started is ended with it. */
  readonly stack: AsyncDisposableStack;
}

/** By the title of the figure. */
export type Figures = Readonly<Record<string, number>>;

/** One of those that are compared; they run in turns. */
export interface Contestant {
  readonly name: 'Rainmail' | 'Postfix';
  run(): Promise<Figures>;
}

export interface Figure {
  readonly title: string;
  readonly wanted?:
    | { readonly atLeast: number }
    | { readonly atMost: number }
    /** So many times the same of Postfix. */
    | { readonly times: number };
}

export interface Measure {
  readonly name: string;
  readonly figures: readonly Figure[];
  prepare(bench: Bench): Promise<readonly Contestant[]>;
}
