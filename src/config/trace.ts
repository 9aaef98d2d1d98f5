/** The section [trace]: how long it is kept what became of messages. */
import { z } from 'zod';
import { parseDuration } from './units.ts';

const DAY = 86_400_000;

const kept = z.string().transform((text, context) => {
  const milliseconds = parseDuration(text);
  if (milliseconds === undefined)
    context.addIssue({ code: 'custom', message: `"${text}" is not a duration. Write it like "7d" or "30d".` });
  else if (milliseconds < DAY)
    context.addIssue({ code: 'custom', message: 'must be at least "1d": what is asked for today happened yesterday.' });
  return milliseconds ?? z.NEVER;
});

export const trace = z
  .strictObject({
    kept: kept
      .prefault('30d')
      .describe(
        'How long it is kept what became of each message: who sent it to whom, where it went, which program retrieved it, who deleted it (rainmail trace). It takes about 1 KB for each message.',
      ),
    subjects: z
      .boolean()
      .prefault(false)
      .describe(
        'Subjects are kept, too. Of the content nothing is kept in any case. Ask those who work in the office first.',
      ),
  })
  .prefault({})
  .describe('What became of each message.');
