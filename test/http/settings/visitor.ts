/** Somebody at the settings page with a browser that keeps cookies, follows nothing by itself, and runs no scripts. */
import { type Answer, ask } from '../ask.ts';

export interface Shown extends Answer {
  /** The text of the page without its marks, in one line. */
  readonly text: string;
}

export class Visitor {
  readonly #port: number;
  readonly #cookies = new Map<string, string>();
  /** Of the last page that had one. */
  csrf = '';

  /** @param port  where the office serves HTTPS */
  constructor(port: number) {
    this.#port = port;
  }

  get origin(): string {
    return `https://127.0.0.1:${this.#port}`;
  }

  /** The cookie header it would send. */
  get cookie(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Shown> {
    return this.#ask(path, { method: 'GET', headers });
  }

  /** Sends a form, with the token of the session unless `fields` has another. @param headers  instead of what a browser sends */
  post(
    path: string,
    fields: Readonly<Record<string, string | readonly string[]>>,
    headers: Record<string, string> = {},
  ): Promise<Shown> {
    const body = new URLSearchParams({ csrf: this.csrf });
    for (const [name, value] of Object.entries(fields)) {
      body.delete(name);
      for (const one of [value].flat()) body.append(name, one);
    }
    return this.#ask(path, {
      method: 'POST',
      body: body.toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded', origin: this.origin, ...headers },
    });
  }

  async signIn(name: string, password: string): Promise<Shown> {
    const answer = await this.post('/settings/sign-in', { name, password, to: 'profile' });
    if (answer.status === 303) await this.get('/settings/profile');
    return answer;
  }

  async #ask(
    path: string,
    question: { method: string; headers: Record<string, string>; body?: string },
  ): Promise<Shown> {
    const headers = { ...(this.cookie === '' ? {} : { cookie: this.cookie }), ...question.headers };
    const answer = await ask(this.#port, path, { ...question, headers, secure: true });
    for (const line of answer.headers['set-cookie'] ?? []) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!;
      if (value === '') this.#cookies.delete(name!);
      else this.#cookies.set(name!, value!);
    }
    this.csrf = /name="csrf" value="([^"]+)"/.exec(answer.body)?.[1] ?? this.csrf;
    const text = answer.body.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ');
    return { ...answer, text };
  }
}
