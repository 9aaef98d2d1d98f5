/** The section [openid]: signing in with tokens of an OpenID Connect provider. */
import { z } from 'zod';
import { duration } from './values.ts';

export const openid = z
  .strictObject({
    issuer: z
      .string()
      .refine((text) => text === '' || URL.canParse(text), {
        error: 'is not a URL. Write it like "https://id.example.org".',
      })
      .prefault('')
      .describe(
        'Issuer of the provider, exactly as its tokens have it: "https://id.example.org/realms/office". Empty: nobody signs in with a token.',
      ),
    audience: z
      .array(z.string().min(1))
      .prefault([])
      .describe('A token is taken when it is for one of these: what the provider calls this mail server.'),
    claim: z
      .string()
      .min(1)
      .prefault('email')
      .describe(
        'The claim of a token that says whose it is: an address of the person here. With "email" the provider must not say that it is unverified. Choose only one that people can not write themselves.',
      ),
    scope: z.string().prefault('').describe('A token must have this scope. Empty: any token for this server will do.'),
    clientId: z
      .string()
      .prefault('')
      .describe(
        'Tokens that can not be read here are asked about at the provider, with this client id. Empty: such tokens are not taken.',
      ),
    clientSecret: z
      .string()
      .prefault('')
      .describe('File that holds the secret of that client, readable by the server alone.'),
    keysFor: duration
      .prefault('24h')
      .describe(
        'When the provider can not be reached, tokens are checked with the keys it had for so long; after that, people are asked to try later.',
      ),
    authority: z
      .string()
      .prefault('')
      .describe('PEM file of the authority that signed the certificate of the provider, if it is not a public one.'),
  })
  .refine(({ issuer, audience }) => issuer === '' || audience.length > 0, {
    message: 'needs an audience: else tokens that people gave to other programs would open their mail',
  })
  .refine(({ clientId, clientSecret }) => (clientId === '') === (clientSecret === ''), {
    message: 'needs both clientId and clientSecret, or neither',
  })
  .prefault({})
  .describe(
    'Signing in with tokens of an OpenID Connect provider (OAUTHBEARER and XOAUTH2), such as Keycloak, Authentik or Microsoft Entra.',
  );
