/** Everything that is answered over HTTP: a plugin each, in a folder or file of its own. */
import { acmeChallenges } from './acme-challenges.ts';
import { autoconfig } from './autoconfig/plugin.ts';
import { autodiscover } from './autodiscover/plugin.ts';
import { mtaSts } from './mta-sts.ts';
import type { HttpPlugin } from './parts.ts';
import { redirectToHttps } from './redirect.ts';
import { settings } from './settings/plugin.ts';

/** Without TLS, port 80: what clients ask before they know better. Everything else goes to https. */
export const PLAIN_PLUGINS: readonly HttpPlugin[] = [acmeChallenges, autoconfig, redirectToHttps];

/** With TLS, port 443. */
export const SECURE_PLUGINS: readonly HttpPlugin[] = [acmeChallenges, autoconfig, autodiscover, mtaSts, settings];
