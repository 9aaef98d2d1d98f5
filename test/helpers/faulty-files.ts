/** Files that fail, write short or wait when a test says so; otherwise those of the operating system. */
import { type File, type FileSystem, nodeFiles } from '../../src/store/bodies/files.ts';

export type Call = keyof FileSystem;

interface Fault {
  readonly call: Call;
  readonly code: string;
  /** Calls of this name that still go well. */
  after: number;
  /** Calls that fail then. */
  times: number;
  /** Sees what the call was given; of reads: file, position, length; of writes: file, position. */
  readonly when: (...values: unknown[]) => boolean;
}

export class FaultyFiles implements FileSystem {
  /** Every call in order, by name. */
  readonly calls: Call[] = [];
  /** Position and length of every write. */
  readonly writes: { readonly position: number; readonly bytes: number }[] = [];
  /** Most bytes that one write takes. */
  mostBytes = Number.POSITIVE_INFINITY;
  /** Most calls of one name that were under way together. */
  readonly together = new Map<Call, number>();
  readonly #underWay = new Map<Call, number>();
  readonly #faults: Fault[] = [];
  readonly #gates = new Map<Call, { after: number; readonly passed: Promise<void>; readonly reached: () => void }>();

  /** Makes calls fail with a code such as `EIO`. */
  fail(
    call: Call,
    code: string,
    options: { after?: number; times?: number; when?: (...values: unknown[]) => boolean } = {},
  ): void {
    const { after = 0, times = Number.POSITIVE_INFINITY, when = () => true } = options;
    this.#faults.push({ call, code, after, times, when });
  }

  /** Ends all faults. */
  mend(): void {
    this.#faults.length = 0;
    this.mostBytes = Number.POSITIVE_INFINITY;
  }

  /** Holds calls back, but for the first `after`. @returns `reached`, which resolves with the first one that waits, and `release` */
  hold(call: Call, after = 0): { reached: Promise<void>; release: () => void } {
    const passed = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    this.#gates.set(call, { after, passed: passed.promise, reached: reached.resolve });
    const release = (): void => {
      this.#gates.delete(call);
      passed.resolve();
    };
    return { reached: reached.promise, release };
  }

  count(call: Call): number {
    return this.calls.filter((name) => name === call).length;
  }

  open(path: string, mode: 'read' | 'create'): Promise<File> {
    return this.#call('open', () => nodeFiles.open(path, mode), path, mode);
  }

  close(file: File): Promise<void> {
    return this.#call('close', () => nodeFiles.close(file), file);
  }

  write(file: File, buffers: readonly Buffer[], position: number): Promise<number> {
    const cut: Buffer[] = [];
    let room = this.mostBytes;
    for (const buffer of buffers) {
      if (room <= 0) break;
      cut.push(buffer.subarray(0, Math.min(room, buffer.length)));
      room -= buffer.length;
    }
    this.writes.push({ position, bytes: cut.reduce((sum, buffer) => sum + buffer.length, 0) });
    return this.#call('write', () => nodeFiles.write(file, cut, position), file, position);
  }

  read(file: File, into: Uint8Array, position: number): Promise<number> {
    return this.#call('read', () => nodeFiles.read(file, into, position), file, position, into.length);
  }

  fdatasync(file: File): Promise<void> {
    return this.#call('fdatasync', () => nodeFiles.fdatasync(file), file);
  }

  size(path: string): Promise<number> {
    return this.#call('size', () => nodeFiles.size(path), path);
  }

  rename(from: string, to: string): Promise<void> {
    return this.#call('rename', () => nodeFiles.rename(from, to), from, to);
  }

  unlink(path: string): Promise<void> {
    return this.#call('unlink', () => nodeFiles.unlink(path), path);
  }

  list(directory: string): Promise<string[]> {
    return this.#call('list', () => nodeFiles.list(directory), directory);
  }

  makeDirectory(directory: string): Promise<void> {
    return this.#call('makeDirectory', () => nodeFiles.makeDirectory(directory), directory);
  }

  syncDirectory(directory: string): Promise<void> {
    return this.#call('syncDirectory', () => nodeFiles.syncDirectory(directory), directory);
  }

  async #call<T>(call: Call, work: () => Promise<T>, ...values: unknown[]): Promise<T> {
    this.calls.push(call);
    const underWay = (this.#underWay.get(call) ?? 0) + 1;
    this.#underWay.set(call, underWay);
    this.together.set(call, Math.max(underWay, this.together.get(call) ?? 0));
    try {
      const gate = this.#gates.get(call);
      if (gate !== undefined && gate.after-- <= 0) {
        gate.reached();
        await gate.passed;
      }
      for (const fault of this.#faults) {
        if (fault.call !== call || fault.times === 0 || !fault.when(...values)) continue;
        if (fault.after-- > 0) continue;
        fault.times--;
        throw Object.assign(new Error(`${fault.code}: injected into ${call}`), { code: fault.code });
      }
      return await work();
    } finally {
      this.#underWay.set(call, this.#underWay.get(call)! - 1);
    }
  }
}
