/** Time and CPU of the part of a benchmark that counts: started and stopped around it, as often as needed; it sums. */
import { serverCpuSeconds } from './server-process.mjs';

export class Meter {
  #seconds = 0;
  #clientCpu = 0;
  #serverCpu = 0;
  #begin = null;

  start() {
    this.#begin = { serverCpu: serverCpuSeconds(), clientCpu: process.cpuUsage(), time: performance.now() };
  }

  stop() {
    const { serverCpu, clientCpu, time } = this.#begin;
    this.#seconds += (performance.now() - time) / 1000;
    const client = process.cpuUsage(clientCpu);
    this.#clientCpu += (client.user + client.system) / 1e6;
    if (serverCpu !== null) this.#serverCpu += serverCpuSeconds() - serverCpu;
  }

  get seconds() {
    return this.#seconds;
  }

  /** The figures of so many operations. */
  result(ops) {
    const seconds = this.#seconds;
    return {
      ops,
      secs: seconds,
      perSec: ops / seconds,
      clientCpuPct: (100 * this.#clientCpu) / seconds,
      serverCpuPct: (100 * this.#serverCpu) / seconds,
      serverCpuMsPerOp: ops === 0 ? null : (1000 * this.#serverCpu) / ops,
    };
  }
}

/** Of times in milliseconds. */
export function percentiles(times) {
  if (times.length === 0) return null;
  const sorted = Float64Array.from(times).sort();
  const at = (part) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: sorted[sorted.length - 1] };
}
