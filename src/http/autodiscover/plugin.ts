/**
 * Outlook's autodiscover. Each person is told their own settings, after signing in, whatever address the request names: another's is refused,
 * whether anybody has it or not.
 *
 * Invariant: what is not a request costs no password check, and what does not say who it is is not even read.
 */
import { mailAccount } from '../../autoconfig/account.ts';
import {
  autodiscoverAnswer,
  autodiscoverPointer,
  autodiscoverRefusal,
  readAutodiscoverRequest,
} from '../../autoconfig/autodiscover.ts';
import { formatAddress, parseAddress } from '../../directory/address.ts';
import type { Directory } from '../../directory/directory.ts';
import type { Account } from '../../directory/types.ts';
import { Refused } from '../../errors.ts';
import { basicSignIn, challenge, hasBasic } from '../basic.ts';
import type { HttpPlugin } from '../parts.ts';

/** Outlook sends less than one; reading this much takes a few milliseconds at worst. */
const MOST_REQUEST_BYTES = 4 * 1024;

const PATH = '/autodiscover/autodiscover.xml';

export const autodiscover: HttpPlugin = async (app, { authenticator, directory, services }) => {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    /^(?:text|application)\/xml(?:;|$)/,
    { parseAs: 'string', bodyLimit: MOST_REQUEST_BYTES },
    (_request, body, done) => done(null, body),
  );
  app.setErrorHandler((error, _request, reply) => {
    // RFC 9110 15.5.2: a 401 says how to sign in.
    if (error instanceof Refused && error.code === 'auth.failed') return challenge(reply);
    throw error;
  });

  app.post(
    PATH,
    { onRequest: async (request, reply) => (hasBasic(request) ? undefined : challenge(reply)) },
    async (request, reply) => {
      const { address, forMail } = readAutodiscoverRequest(typeof request.body === 'string' ? request.body : '');
      const { account } = await basicSignIn(request, authenticator, 'settings');
      if (address !== '' && !(await isOf(directory, account, address))) {
        throw new Refused(
          'auth.not-allowed',
          'You signed in rightly, but this address is not yours. Set up your own, or sign in as the person who has it.',
        );
      }
      reply.type('text/xml; charset=utf-8');
      if (!forMail) return autodiscoverRefusal(new Date().toISOString().slice(11, 23));
      const access = await directory.access(account.id);
      return autodiscoverAnswer(
        { displayName: account.displayName, userName: account.name },
        mailAccount(services(), access),
      );
    },
  );

  // Version 2 is asked without signing in: it tells where version 1 is, for every address alike.
  const pointer = (protocol: unknown) => {
    const { host, https } = services();
    const url = `https://${host}${https === null || https === 443 ? '' : `:${https}`}${PATH}`;
    return autodiscoverPointer(typeof protocol === 'string' ? protocol : '', url);
  };
  for (const path of ['/autodiscover/autodiscover.json', '/autodiscover/autodiscover.json/v1.0/:address']) {
    app.get(path, async (request, reply) => {
      const { Protocol: protocol } = request.query as { Protocol?: unknown };
      const text = 'The given protocol is not served here. The only one is AutodiscoverV1.';
      const answer = pointer(protocol);
      return answer ?? reply.code(400).send({ ErrorCode: 'ProtocolNotSupported', ErrorMessage: text });
    });
  }
};

/** True when mail to this address comes to the account. */
async function isOf(directory: Directory, account: Account, text: string): Promise<boolean> {
  const address = parseAddress(text);
  if (address === null) return false;
  const resolved = await directory.resolve(formatAddress(address));
  return resolved.kind === 'accounts' && resolved.accounts.some(({ id }) => id === account.id);
}
