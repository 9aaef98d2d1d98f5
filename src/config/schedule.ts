/** Times at which the server does something by itself: `23:00` every day, `sun 03:00` every week, `off`. In local time. Pure. */

export type Schedule = 'off' | { readonly weekday: number | null; readonly hour: number; readonly minute: number };

const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/** @returns undefined when the text is no schedule */
export function parseSchedule(text: string): Schedule | undefined {
  if (text === 'off') return 'off';
  const match = /^(?:([a-z]{3}) )?(\d\d?):(\d\d)$/.exec(text.toLowerCase());
  if (match === null) return undefined;
  const [, day, hour, minute] = match;
  const weekday = day === undefined ? null : WEEKDAYS.indexOf(day);
  if (weekday === -1 || Number(hour) > 23 || Number(minute) > 59) return undefined;
  return { weekday, hour: Number(hour), minute: Number(minute) };
}

/** When a schedule was due last, at `now` or before; null when it never is. Where the clock skips its hour it is due in the next one. */
export function lastDue(schedule: Schedule, now: Date): Date | null {
  if (schedule === 'off') return null;
  const { weekday, hour, minute } = schedule;
  for (let back = 0; ; back++) {
    const due = new Date(now.getFullYear(), now.getMonth(), now.getDate() - back, hour, minute);
    if (due <= now && (weekday === null || due.getDay() === weekday)) return due;
  }
}
