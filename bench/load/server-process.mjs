/** What the server under test uses, with all its descendants: CPU time and memory, from /proc (Linux). */
import fs from 'node:fs';
import { options } from './options.mjs';

const TICKS_A_SECOND = 100; // USER_HZ

/** The processes below --server-pid and itself, each with the fields of /proc/PID/stat after the name. */
function processes() {
  const stats = new Map();
  const children = new Map();
  for (const name of fs.readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = read(`/proc/${name}/stat`);
    if (stat === null) continue;
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // fields[0] is field 3 of proc(5)
    const pid = Number(name);
    stats.set(pid, fields);
    const parent = Number(fields[1]);
    if (!children.has(parent)) children.set(parent, []);
    children.get(parent).push(pid);
  }
  const found = new Map();
  const rest = [options.serverPid];
  while (rest.length > 0) {
    const pid = rest.pop();
    if (!stats.has(pid) || found.has(pid)) continue;
    found.set(pid, stats.get(pid));
    rest.push(...(children.get(pid) ?? []));
  }
  return found;
}

/** The text of a file of /proc; null when its process has ended. */
function read(path) {
  try {
    return fs.readFileSync(path, 'latin1');
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ESRCH') return null;
    throw error;
  }
}

/** CPU seconds so far, with those of children that have ended and been waited for; null without --server-pid. */
export function serverCpuSeconds() {
  if (options.serverPid === 0) return null;
  let ticks = 0;
  for (const fields of processes().values()) {
    ticks += Number(fields[11]) + Number(fields[12]) + Number(fields[13]) + Number(fields[14]);
  }
  return ticks / TICKS_A_SECOND;
}

/** Kilobytes of memory, shared pages divided among those that share them (PSS); null without --server-pid. */
export function serverMemoryKb() {
  if (options.serverPid === 0) return null;
  let total = 0;
  for (const pid of processes().keys()) total += kilobytes(`/proc/${pid}/smaps_rollup`, 'Pss');
  return total;
}

/** Forgets the peak of the server's own process, and gives the kilobytes it holds now. */
export function resetPeakKb() {
  fs.writeFileSync(`/proc/${options.serverPid}/clear_refs`, '5'); // proc(5): resets VmHWM
  return kilobytes(`/proc/${options.serverPid}/status`, 'VmRSS');
}

/** The most kilobytes that the server's own process held since {@link resetPeakKb}. */
export function peakKb() {
  return kilobytes(`/proc/${options.serverPid}/status`, 'VmHWM');
}

function kilobytes(path, field) {
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(read(path) ?? '')?.[1] ?? 0);
}
