/** Values of settings that several sections have: each error says how one is written. */
import { z } from 'zod';
import { parseSchedule } from './schedule.ts';
import { isNetwork, parseAddress, parseDuration, parseSize } from './units.ts';

/** Bytes. */
export const size = z.string().transform((text, context) => {
  const bytes = parseSize(text);
  if (bytes === undefined)
    context.addIssue({ code: 'custom', message: `"${text}" is not a size. Write it like "50MB".` });
  return bytes ?? z.NEVER;
});

/** Milliseconds. @param examples  as an error names them: `"2s" or "500ms"` */
export function durationLike(examples: string) {
  return z.string().transform((text, context) => {
    const milliseconds = parseDuration(text);
    if (milliseconds === undefined) {
      context.addIssue({ code: 'custom', message: `"${text}" is not a duration. Write it like ${examples}.` });
    }
    return milliseconds ?? z.NEVER;
  });
}

export const duration = durationLike('"30m", "10s" or "14d"');

export const schedule = z.string().transform((text, context) => {
  const parsed = parseSchedule(text);
  if (parsed === undefined) {
    context.addIssue({
      code: 'custom',
      message: `"${text}" is not a time to do something at. Write it like "23:00", "sun 03:00" or "off".`,
    });
  }
  return parsed ?? z.NEVER;
});

/** Where to listen. */
export const address = z.string().transform((text, context) => {
  const parsed = parseAddress(text);
  if (parsed === undefined) {
    context.addIssue({
      code: 'custom',
      message: `"${text}" is not an address to listen on. Write it like "192.0.2.1", "[::1]:1143" or "*".`,
    });
  }
  return parsed ?? z.NEVER;
});

export const network = z.string().refine(isNetwork, {
  error: ({ input }) => `"${input}" is not a network. Write it like "192.0.2.0/24" or "2001:db8::1".`,
});

export const count = z.number().int().positive();
