/** What a server has used of the processors so far: all processes of its group, with those that have ended (Linux). */
import { readdir, readFile } from 'node:fs/promises';

const TICKS_A_SECOND = 100; // USER_HZ

/** @param leader  the first process of a group, as startProcess makes them. @returns seconds */
export async function cpuSeconds(leader: number): Promise<number> {
  let ticks = 0;
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, 'latin1').catch(ended);
    if (stat === null) continue;
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // fields[0] is field 3 of proc(5)
    if (Number(fields[2]) !== leader) continue;
    for (const time of fields.slice(11, 15)) ticks += Number(time);
  }
  return ticks / TICKS_A_SECOND;
}

function ended(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT' || error.code === 'ESRCH') return null;
  throw error;
}
