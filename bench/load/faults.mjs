/** Wrong answers of the server: all are counted, the first few are quoted in the result. */
const MOST_SAMPLES = 8;

export const faults = { count: 0, samples: [] };

export function fault(text) {
  faults.count++;
  if (faults.samples.length < MOST_SAMPLES) faults.samples.push(String(text).slice(0, 300));
}

export function check(holds, text) {
  if (!holds) fault(text);
}
