/** `npm run bench`: Rainmail side by side with Dovecot, in all that a mail server does all day. See docs/benchmarks.md. */
import { PLAN } from './side-by-side/plan.ts';
import { runPlan } from './side-by-side/runner.ts';

await runPlan(PLAN, 'npm run bench');
