/**
 * A connection to an IMAP server whose mail is read; imapflow does the talking. Folders are opened for reading only (EXAMINE), so that nothing
 * changes there, not even \Recent. A connection that broke is made anew when something is asked for.
 */
import type { ImapFlow, ImapFlowError } from 'imapflow';
import { Refused } from '../errors.ts';
import { CONNECT_WITHIN, type Endpoint, SILENCE, type SignIn, transport } from './connect.ts';
import { FolderUnreadable } from './source.ts';
import { isLater, Patience, SourceLost, SourceSaidNo } from './trouble.ts';

/** As much of a message as is asked for at once; a literal beyond it ends the connection. */
export const PIECE = 1 << 20;

export class ImapClient {
  readonly patience: Patience;
  readonly #endpoint: Endpoint;
  readonly #signIn: SignIn;
  #client: ImapFlow | undefined;
  #selected: { readonly name: string; readonly generation: string } | undefined;

  constructor(endpoint: Endpoint, signIn: SignIn, signal: AbortSignal) {
    this.#endpoint = endpoint;
    this.#signIn = signIn;
    this.patience = new Patience(endpoint.host, signal);
  }

  /** Does what is safe to do again until it succeeds, or patience ends. */
  async patiently<T>(operation: (client: ImapFlow) => Promise<T>): Promise<T> {
    for (;;) {
      try {
        const result = await operation(await this.#connected());
        this.patience.renew();
        return result;
      } catch (error) {
        await this.patience.afterFailure(this.troubled(error));
      }
    }
  }

  /**
   * A connection with a folder open, as it was listed.
   * @param generation  its UIDVALIDITY then: UIDs mean nothing under another (RFC 9051 2.3.1.1)
   * @throws FolderUnreadable
   */
  async opened(folder: string, generation: string | undefined): Promise<ImapFlow> {
    const client = await this.#connected();
    if (this.#selected?.name !== folder) {
      await this.examine(client, folder);
      this.patience.isWell();
    }
    if (this.#selected!.generation !== generation) {
      throw new FolderUnreadable('it was made anew while it was read (UIDVALIDITY)');
    }
    return client;
  }

  /** Opens a folder for reading only. @throws FolderUnreadable */
  async examine(client: ImapFlow, folder: string) {
    this.#selected = undefined;
    try {
      const opened = await client.mailboxOpen(folder, { readOnly: true });
      this.#selected = { name: folder, generation: opened.uidValidity.toString() };
      return opened;
    } catch (error) {
      const trouble = this.troubled(error);
      if (trouble instanceof SourceSaidNo && !isLater(trouble)) throw new FolderUnreadable(trouble.message);
      throw trouble;
    }
  }

  /** Sorts an error of imapflow's; after a lost connection nothing of it is kept. */
  troubled(error: unknown): Error {
    if (error instanceof Refused || error instanceof SourceSaidNo || error instanceof FolderUnreadable) return error;
    const { host, port } = this.#endpoint;
    const trouble = error as ImapFlowError;
    const text = String(trouble.responseText ?? trouble.response ?? trouble.message).slice(0, 300);
    const no = new SourceSaidNo(text, codeOf(trouble));
    if (trouble.authenticationFailed === true) {
      this.#forget();
      if (isLater(no)) return no;
      return new Refused(
        'source.sign-in',
        `${host} does not let ${this.#signIn.authorize ?? this.#signIn.user} in: ${text}`,
      );
    }
    if (trouble.tlsFailed === true) {
      this.#forget();
      return new Refused(
        'source.insecure',
        `${host} offers no TLS on port ${port} (${text}). Use imaps://, or --insecure in a network that you trust.`,
      );
    }
    if (trouble.responseStatus !== undefined) return no;
    this.#forget();
    return error instanceof SourceLost ? error : new SourceLost(text, { cause: error });
  }

  async close(): Promise<void> {
    if (this.#client?.usable === true) await this.#client.logout().catch(() => {}); // it is over either way
    this.#forget();
  }

  /** Breaks the connection: whatever waits for it fails. */
  cut(): void {
    this.#client?.close();
  }

  async #connected(): Promise<ImapFlow> {
    if (this.#client?.usable === true) return this.#client;
    this.#forget();
    const { host, port, security } = this.#endpoint;
    const { user, password, authorize } = this.#signIn;
    const { ImapFlow } = await import('imapflow'); // large, and used while people move in: not loaded before
    const client = new ImapFlow({
      host,
      port,
      secure: security === 'tls',
      doSTARTTLS: security === 'starttls',
      transport: transport(this.#endpoint),
      auth: {
        user,
        pass: password,
        ...(authorize === undefined ? {} : { authzid: authorize, loginMethod: 'AUTH=PLAIN' }),
      },
      clientInfo: { name: 'Rainmail' },
      logger: false,
      disableAutoIdle: true,
      // The plainest IMAP is what old servers do best.
      disableAutoEnable: true,
      disableIMAP4rev2: true,
      disableCompression: true,
      connectionTimeout: CONNECT_WITHIN,
      greetingTimeout: CONNECT_WITHIN,
      socketTimeout: SILENCE,
      maxLiteralSize: PIECE,
      maxLineLength: PIECE,
      maxResponseSize: 4 * PIECE,
      maxResponseTokens: 100_000,
    });
    client.on('error', () => {}); // what was asked for fails with it
    this.#client = client;
    await client.connect();
    return client;
  }

  #forget(): void {
    this.#client?.close();
    this.#client = undefined;
    this.#selected = undefined;
  }
}

/** The response code of a refusal (RFC 9051 7.1); imapflow takes it out for some commands only. */
function codeOf({ serverResponseCode, response }: ImapFlowError): string | undefined {
  const [first] = typeof response === 'object' ? (response.attributes ?? []) : [];
  const found = serverResponseCode ?? (Array.isArray(first) ? undefined : first?.section?.[0]);
  const code = typeof found === 'object' && !Array.isArray(found) ? found?.value : found;
  return typeof code === 'string' ? code.toUpperCase() : undefined;
}
