/** The settings of an LDAP directory in which people live. */
import { z } from 'zod';
import { duration } from './values.ts';

const LOOPBACK = /^ldap:\/\/(?:localhost|127\.[\d.]+|\[::1\])(?:[:/]|$)/i;

const url = z.string().refine((text) => /^ldaps?:\/\/(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(:\d{1,5})?\/?$/.test(text), {
  error: ({ input }) => `"${input}" is not an LDAP server. Write it like "ldaps://ldap.example.org".`,
});

/** A name of an attribute (RFC 4512 1.4), without options. */
const attribute = z.string().regex(/^$|^[A-Za-z][A-Za-z0-9-]*$/, { error: 'is not the name of an attribute.' });

const ofKind = 'Empty: what is usual for the kind of directory.';

export const ldap = z
  .strictObject({
    urls: z
      .array(url)
      .max(10)
      .prefault([])
      .describe(
        'The LDAP servers, asked in this order: "ldaps://ldap.example.org", or "ldap://ldap.example.org" to begin TLS with StartTLS. Empty: nobody lives in LDAP.',
      ),
    kind: z
      .enum(['openldap', 'active-directory'])
      .prefault('openldap')
      .describe('What is usual there: it says what filters and attributes are where they are left empty below.'),
    startTls: z
      .boolean()
      .prefault(true)
      .describe('Begin TLS on ldap:// connections. It may be false only where every such server is on this machine.'),
    ca: z
      .string()
      .prefault('')
      .describe(
        "PEM file with the authority that signs the LDAP servers' certificates. Empty: those that the system trusts.",
      ),
    bind: z
      .string()
      .prefault('')
      .describe(
        'Name (DN) of the account that Rainmail reads the directory with, such as "cn=rainmail,ou=services,dc=example,dc=org". It needs to read only. Empty: without a name.',
      ),
    passwordFile: z
      .string()
      .prefault('')
      .describe('File with its password. Let only the user that runs the server read it.'),
    base: z.string().prefault('').describe('Where people and groups are: "dc=example,dc=org".'),
    domains: z
      .array(z.string().min(1))
      .prefault([])
      .describe('The mail domains whose people live there. People with other addresses are left alone.'),
    people: z.string().prefault('').describe(`Filter that finds the people who have mail here. ${ofKind}`),
    disabled: z.string().prefault('').describe(`Filter that fits those of them who may not sign in. ${ofKind}`),
    groups: z
      .string()
      .prefault('')
      .describe(`Filter that finds the groups. "none": no groups are taken over. ${ofKind}`),
    id: attribute
      .prefault('')
      .describe(`Attribute that never changes, by which people and groups are known. ${ofKind}`),
    address: attribute.prefault('').describe(`Attribute with the mail address, which people sign in with. ${ofKind}`),
    aliases: attribute.prefault('').describe(`Attribute with further addresses. ${ofKind}`),
    name: attribute.prefault('').describe(`Attribute with the name that is shown. ${ofKind}`),
    quota: attribute
      .prefault('')
      .describe('Attribute with the quota, such as "5GB", or a number of bytes. Empty: quotas are set here alone.'),
    members: attribute
      .prefault('')
      .describe(
        `Attribute that says who is in a group: one of groups with names (member, uniqueMember) or user ids (memberUid), or memberOf of people. ${ofKind}`,
      ),
    refresh: duration.prefault('15m').describe('How often everything is read anew.'),
    remember: duration
      .prefault('5m')
      .describe('A password that was right is taken without asking LDAP again for this time.'),
    offline: duration
      .prefault('12h')
      .describe(
        'And for this time while LDAP does not answer. Whoever has not signed in so lately is told to try later.',
      ),
    timeout: duration.prefault('5s').describe('How long an answer of LDAP is waited for.'),
    connections: z
      .number()
      .int()
      .min(1)
      .max(50)
      .prefault(4)
      .describe('Connections to LDAP for reading, and as many for checking passwords.'),
    suspendAtMost: z
      .number()
      .int()
      .min(1)
      .max(100)
      .prefault(20)
      .describe(
        'Who is no longer there, or disabled, is suspended here. When that would be more than so many in a hundred at once, nothing is changed until an administrator says so: a directory that answers with nothing must not shut everybody out.',
      ),
  })
  .superRefine(({ urls, base, domains, startTls, bind, passwordFile }, context) => {
    if (urls.length === 0) return;
    const missing = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    if (base === '') missing('base', 'is needed: where the people are, such as "dc=example,dc=org".');
    if (domains.length === 0) missing('domains', 'is needed: the mail domains whose people live in LDAP.');
    // RFC 4513 5.1.2: a name with an empty password is no sign-in at all, though servers may say that it is.
    if ((bind === '') !== (passwordFile === '')) missing('passwordFile', 'and bind go together: both, or neither.');
    if (!startTls && urls.some((one) => one.startsWith('ldap:') && !LOOPBACK.test(one))) {
      missing('startTls', 'must be true: passwords do not cross the network in the clear.');
    }
  })
  .prefault({})
  .describe(
    'People who live in an LDAP directory or an Active Directory: they sign in with the password they have there, and their addresses, names and groups are changed there alone. See docs/guide/ldap.md.',
  );

export type LdapConfig = z.output<typeof ldap>;
