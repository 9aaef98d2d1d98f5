/** `npm run bench:pop3`: what POP3 is to be good at, side by side with Dovecot. See docs/benchmarks.md. */
import { POP3_PLAN } from './side-by-side/pop3-plan.ts';
import { runPlan } from './side-by-side/runner.ts';

await runPlan(POP3_PLAN, 'npm run bench:pop3');
