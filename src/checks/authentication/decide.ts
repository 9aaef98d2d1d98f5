/** What becomes of a message by what was found out about its sender. Pure. */
import type { Config } from '../../config/schema.ts';
import type { Authentication, Decision } from './types.ts';

export type Policy = Pick<Config['checks'], 'spf' | 'dmarc' | 'unsure'>;

/** SPF alone decides nothing but by a clear no, and only where that is asked for; a softfail, an error, or no answer never do. */
export function decide({ spf, dmarc, arc }: Authentication, policy: Policy): Decision {
  // Whoever sealed it saw one author: another From may have been put above since, which no seal forbids.
  const isVouchedFor = arc?.vouchedBy !== undefined && dmarc?.result !== 'permerror';
  if (dmarc?.result === 'pass' || isVouchedFor) return 'accept';
  if (policy.dmarc === 'obey') {
    if (dmarc?.result === 'fail' && dmarc.policy === 'reject') return 'refuse for DMARC';
    if (dmarc?.result === 'temperror' && policy.unsure === 'put off') return 'put off';
  }
  if (policy.spf === 'obey') {
    if (spf?.result === 'fail') return 'refuse for SPF';
    if (spf?.result === 'temperror' && policy.unsure === 'put off') return 'put off';
  }
  if (policy.dmarc !== 'obey') return 'accept';
  // A message with two From fields, or none, shows people another author than the one that would be asked about.
  const isAsked = dmarc?.result === 'fail' && dmarc.policy === 'quarantine';
  return isAsked || dmarc?.result === 'permerror' ? 'junk' : 'accept';
}
