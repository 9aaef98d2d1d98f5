import type { SourceFolder, SourceMessage } from './source.ts';

/** A folder as it was found at the source. */
export interface Surveyed {
  readonly folder: SourceFolder;
  readonly generation: string;
  readonly messages: number;
  readonly bytes: number;
  fresh: readonly SourceMessage[];
  /** Of the fresh ones, those that came. */
  brought: number;
}
