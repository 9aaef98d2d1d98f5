/**
 * Libraries that a start does without, each loaded with its first use: together they are a third of what a server would load, and of the time that
 * a start, and every start in a test, would take.
 */
import { createRequire } from 'node:module';

const load = createRequire(import.meta.url);

export const libraries = {
  /**
   * Node's own HTTP. An `import` of it would look at all that it exports, and so load undici with its WebSockets, which we don't use.
   */
  get http() {
    return load('node:http') as typeof import('node:http');
  },
  get arc() {
    return load('mailauth/lib/arc/index.js') as typeof import('mailauth/lib/arc/index.js');
  },
  get dkimBody() {
    return load('mailauth/lib/dkim/body/index.js') as typeof import('mailauth/lib/dkim/body/index.js');
  },
  get dkimHeader() {
    return load('mailauth/lib/dkim/header/index.js') as typeof import('mailauth/lib/dkim/header/index.js');
  },
  get dkimVerifier() {
    return load('mailauth/lib/dkim/dkim-verifier.js') as typeof import('mailauth/lib/dkim/dkim-verifier.js');
  },
  get dmarc() {
    return load('mailauth/lib/dmarc/index.js') as typeof import('mailauth/lib/dmarc/index.js');
  },
  get spf() {
    return load('mailauth/lib/spf/index.js') as typeof import('mailauth/lib/spf/index.js');
  },
  get mtaSts() {
    return load('mailauth/lib/mta-sts.js') as typeof import('mailauth/lib/mta-sts.js');
  },
  get mailTools() {
    return load('mailauth/lib/tools.js') as typeof import('mailauth/lib/tools.js');
  },
  get MimeNode() {
    return load('nodemailer/lib/mime-node') as typeof import('nodemailer/lib/mime-node').default;
  },
  get bcrypt() {
    return load('@node-rs/bcrypt') as typeof import('@node-rs/bcrypt');
  },
  get saslprep() {
    return load('@mongodb-js/saslprep') as typeof import('@mongodb-js/saslprep');
  },
  get xml() {
    return load('fast-xml-parser') as typeof import('fast-xml-parser');
  },
  get qrcode() {
    return load('qrcode') as typeof import('qrcode');
  },
};
