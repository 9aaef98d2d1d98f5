/** Times as people read them. */

/** As the clock here shows it: 2026-11-20 14:30, or 2026-11-20 14:30:05. @param moment  ISO 8601, or milliseconds since 1970 */
export function localTime(moment: string | number, to: 'minutes' | 'seconds' = 'minutes'): string {
  const time = new Date(moment);
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  const minutes = `${day} ${two(time.getHours())}:${two(time.getMinutes())}`;
  return to === 'minutes' ? minutes : `${minutes}:${two(time.getSeconds())}`;
}
