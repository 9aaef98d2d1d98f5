import { Imap } from '../imap.mjs';
import { options, userName } from '../options.mjs';
import { Pop3 } from '../pop3.mjs';
import { forEachInParallel, repeatInParallel } from '../workers.mjs';

export function imapLogin() {
  return signIns(async (user) => {
    const client = await Imap.open();
    try {
      await client.login(user);
      await client.logout();
    } finally {
      client.close();
    }
  });
}

export function pop3Login() {
  return signIns(async (user) => {
    const client = await Pop3.open();
    try {
      await client.login(user);
      await client.stat();
      await client.quit();
    } finally {
      client.close();
    }
  });
}

async function signIns(signIn) {
  if (options.cold) options.count = options.users;
  else await forEachInParallel(options.users, 4, (i) => signIn(userName(i)));
  let next = 0;
  return repeatInParallel(options.conns, { step: () => signIn(userName(next++)) });
}
