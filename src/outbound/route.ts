/**
 * Which way mail leaves. Pure.
 *
 * A destination is what retries and connections are shared by: a domain, whose servers its MX records name; or one of the configured
 * routes, such as the provider that takes all mail of this office.
 */
import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { domainOf } from '../message/addresses.ts';

/** A configured way: a server that takes mail for some domains, or for all. */
export interface Route {
  /** Domains, `*.example.org` for all below one, or `*` for all. */
  readonly domains: readonly string[];
  readonly host: string;
  readonly port: number;
  /** `opportunistic`: TLS if it can be; `required`: any certificate; `verified`: one that is valid for the host; `implicit`: the same from the first byte. */
  readonly tls: 'opportunistic' | 'required' | 'verified' | 'implicit';
  /** Sign in there; the password is in the file. */
  readonly user?: string;
  readonly passwordFile?: string;
}

/** The way to a destination. */
export type Way =
  | { readonly kind: 'route'; readonly route: Route }
  | { readonly kind: 'mx'; readonly domain: string }
  /** `anna@[192.0.2.1]` (RFC 5321 4.1.3) */
  | { readonly kind: 'address'; readonly address: string };

/** Destinations of routes are told apart from domains by this. */
const ROUTE_MARK = 'route:';

export class Routes {
  readonly #byDomain = new Map<string, Route>();
  readonly #byName = new Map<string, Route>();

  /** @param routes  the first that names a domain is the one for it; the nearest name goes before `*` */
  constructor(routes: readonly Route[]) {
    for (const route of routes) {
      const name = nameOf(route);
      if (!this.#byName.has(name)) this.#byName.set(name, route);
      for (const domain of route.domains) if (!this.#byDomain.has(domain)) this.#byDomain.set(domain, route);
    }
  }

  /** Where mail for an address goes; undefined: nowhere, since what stands after the `@` is no domain. */
  destinationOf(address: string): string | undefined {
    const domain = routableDomain(address);
    if (domain === undefined) return undefined;
    const route = this.#routeFor(domain);
    return route === undefined ? domain : nameOf(route);
  }

  /** The way to a destination as {@link destinationOf} gave it; undefined for a route that is no longer configured. */
  wayTo(destination: string): Way | undefined {
    if (destination.startsWith(ROUTE_MARK)) {
      const route = this.#byName.get(destination);
      return route && { kind: 'route', route };
    }
    if (destination.startsWith('[')) return { kind: 'address', address: literal(destination)! };
    return { kind: 'mx', domain: destination };
  }

  /** Names of all routes, as destinations. */
  get names(): readonly string[] {
    return [...this.#byName.keys()];
  }

  #routeFor(domain: string): Route | undefined {
    const own = this.#byDomain.get(domain);
    if (own !== undefined) return own;
    for (let at = domain.indexOf('.'); at > 0; at = domain.indexOf('.', at + 1)) {
      const above = this.#byDomain.get(`*${domain.slice(at)}`);
      if (above !== undefined) return above;
    }
    return this.#byDomain.get('*');
  }
}

function nameOf({ host, port }: Route): string {
  return `${ROUTE_MARK}${host}:${port}`;
}

/** What stands after the `@`, in the form in which it is looked up; undefined when no mail can go there. */
function routableDomain(address: string): string | undefined {
  const text = domainOf(address);
  if (text.startsWith('[')) return literal(text) === undefined ? undefined : text.toLowerCase();
  const ascii = domainToASCII(text).toLowerCase().replace(/\.$/, '');
  return ascii === '' || isIP(ascii) !== 0 || !ascii.includes('.') ? undefined : ascii;
}

function literal(text: string): string | undefined {
  const inside = /^\[(?:IPv6:)?([0-9a-f.:]+)\]$/i.exec(text)?.[1];
  return inside !== undefined && isIP(inside) !== 0 ? inside : undefined;
}
