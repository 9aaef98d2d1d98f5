/** The SASL mechanisms, strongest first. */
import { login } from './login.ts';
import type { Mechanism } from './mechanism.ts';
import { oauthbearer } from './oauthbearer.ts';
import { plain } from './plain.ts';
import { scramSha256, scramSha256Plus } from './scram.ts';
import { xoauth2 } from './xoauth2.ts';

export const MECHANISMS: readonly Mechanism[] = [scramSha256Plus, scramSha256, oauthbearer, xoauth2, plain, login];
