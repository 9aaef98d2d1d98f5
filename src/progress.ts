/** How far long work is, as it tells those who wait for it. The command line shows a bar with rate and time left. */
export interface Progress {
  /** What is being done now: `Sent`, `segment 12`. */
  readonly what: string;
  readonly done: number;
  /** Absent while it is not known. */
  readonly total?: number;
  /** Of `done` and `total`; bytes are shown as sizes. */
  readonly unit: 'messages' | 'bytes' | 'accounts' | 'bodies' | 'objects' | 'segments' | 'rows';
}

export type OnProgress = (progress: Progress) => void;
