/** The section [acme]: certificates from a certificate authority, ordered and renewed by the server. */
import { domainToASCII } from 'node:url';
import { z } from 'zod';

/** Most names of one certificate: what the known authorities take. */
const MOST_NAMES = 100;

/** A name that an authority can check: a whole host name, as DNS has it. */
const hostName = z.string().transform((text, context) => {
  const name = domainToASCII(text).toLowerCase();
  const isName =
    name.length <= 253 && /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?![0-9]+$)[a-z0-9-]{2,63}$/.test(name);
  if (!isName) {
    context.addIssue({
      code: 'custom',
      message: `"${text}" is not a host name that a certificate authority could check. Write it like "mail.example.org", without wildcards.`,
    });
  }
  return isName ? name : z.NEVER;
});

const group = z.union([hostName.transform((name) => [name]), z.array(hostName).min(1).max(MOST_NAMES)], {
  error: 'is not a host name or a list of host names. Write it like ["mail.example.org", "autoconfig.example.org"].',
});

const httpsUrl = z.string().refine((text) => URL.canParse(text) && new URL(text).protocol === 'https:', {
  error: ({ input }) => `"${input}" is not an https address.`,
});

export const acme = z
  .strictObject({
    enabled: z
      .boolean()
      .prefault(false)
      .describe('Order certificates that clients trust from a certificate authority, and renew them in time.'),
    agreeToTerms: z
      .boolean()
      .prefault(false)
      .describe(
        'True: you have read the terms of service of the authority and agree to them. Without that it gives no certificates.',
      ),
    directory: httpsUrl
      .prefault('https://acme-v02.api.letsencrypt.org/directory')
      .describe("Address of the authority's ACME directory. This one is Let's Encrypt, which asks for no money."),
    contact: z
      .array(z.email({ error: ({ input }) => `"${input}" is not an e-mail address.` }))
      .max(5)
      .prefault([])
      .describe('E-mail addresses at which the authority may reach you.'),
    names: z
      .array(group)
      .max(100)
      .prefault([])
      .describe(
        'The certificates to order, each a name or a list of names that share one: ["mail.example.org", ["mail.example.com", "autoconfig.example.com"]]. Every name must lead to this machine; one that does not keeps its own certificate from being renewed, not the others. Empty: one for the name of the server.',
      ),
    challenge: z
      .enum(['http-01', 'tls-alpn-01'])
      .prefault('http-01')
      .describe(
        'How the authority checks that a name is yours. "http-01" asks the service http, which must be reachable on port 80 from the Internet; "tls-alpn-01" the service https, on port 443.',
      ),
    eabKeyId: z
      .string()
      .prefault('')
      .describe('Key id for authorities that ask for an external account binding. Empty: none.'),
    eabKeyFile: z
      .string()
      .prefault('')
      .describe('File with the HMAC key that belongs to it, as the authority gave it (base64url).'),
    caFile: z
      .string()
      .prefault('')
      .describe(
        'PEM file with the certificate that the ACME server itself is checked against: for an authority of your own. Empty: those that the system trusts.',
      ),
  })
  .refine(({ enabled, agreeToTerms }) => !enabled || agreeToTerms, {
    path: ['agreeToTerms'],
    message: "must be true. Read the authority's terms of service first.",
  })
  .refine(({ eabKeyId, eabKeyFile }) => (eabKeyId === '') === (eabKeyFile === ''), {
    message: 'needs both eabKeyId and eabKeyFile, or neither',
  })
  .refine(({ names }) => new Set(names.flat()).size === names.flat().length, {
    path: ['names'],
    message: 'has a name twice.',
  })
  .prefault({})
  .describe('Certificates from a certificate authority by ACME: see the page on certificates in the guide.');
