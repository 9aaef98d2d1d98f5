/** What runs in Thunderbird itself, where its windows and modules are at hand: texts, and the types of what they return. */

export interface ServerSettings {
  readonly type: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly security: 'none' | 'STARTTLS' | 'TLS';
  readonly signIn: 'password' | 'encrypted password' | 'other';
}

export interface AccountSettings {
  readonly incoming: ServerSettings;
  readonly outgoing: ServerSettings;
  /** Over POP3: what is fetched stays on the server; after so many days it is deleted there, null for never. */
  readonly leaves?: { readonly mail: boolean; readonly days: number | null };
}

/**
 * The dialog that adds accounts ("account hub"). `until` waits for something to be found in it, and is told by its changes;
 * `failure` is where it says what went wrong.
 */
export const HUB = `
  const hub = () => document.querySelector('account-hub-container')?.shadowRoot;
  const visible = (selector) => [...(hub()?.querySelectorAll(selector) ?? [])].find((each) => each.checkVisibility());
  const step = () => visible('account-hub-email > .account-hub-step');
  const head = () => step()?.shadowRoot?.querySelector('account-hub-header').shadowRoot;
  const failure = () => head()?.querySelector('#emailFormNotification.error:not([hidden])');
  const until = (found) => new Promise((resolve) => {
    const changes = { subtree: true, childList: true, attributes: true, characterData: true };
    const observer = new MutationObserver(() => look());
    const look = () => {
      for (const root of [hub(), head()]) if (root) observer.observe(root, changes); // once more is as good as once
      if (!found()) return;
      observer.disconnect();
      resolve();
    };
    observer.observe(document, changes);
    look();
  });
`;

/** Accounts and messages. */
export const MAIL = `
  const { MailServices } = ChromeUtils.importESModule('resource:///modules/MailServices.sys.mjs');
  const SECURITY = { [Ci.nsMsgSocketType.plain]: 'none', [Ci.nsMsgSocketType.alwaysSTARTTLS]: 'STARTTLS', [Ci.nsMsgSocketType.SSL]: 'TLS' };
  const SIGN_IN = { [Ci.nsMsgAuthMethod.passwordCleartext]: 'password', [Ci.nsMsgAuthMethod.passwordEncrypted]: 'encrypted password' };

  const accountOf = (address) => MailServices.accounts.accounts.find(({ defaultIdentity }) => defaultIdentity?.email === address);

  function settingsOf({ incomingServer: server, defaultIdentity }) {
    const outgoing = MailServices.outgoingServer.getServerByIdentity(defaultIdentity);
    const how = ({ type, username, socketType, authMethod }) =>
      ({ type, user: username, security: SECURITY[socketType], signIn: SIGN_IN[authMethod] ?? 'other' });
    const { host, port } = outgoing.serverURI;
    const settings = { incoming: { ...how(server), host: server.hostname, port: server.port }, outgoing: { ...how(outgoing), host, port } };
    if (server.type !== 'pop3') return settings;
    const { leaveMessagesOnServer, deleteByAgeFromServer, numDaysToLeaveOnServer } = server.QueryInterface(Ci.nsIPop3IncomingServer);
    return { ...settings, leaves: { mail: leaveMessagesOnServer, days: deleteByAgeFromServer ? numDaysToLeaveOnServer : null } };
  }

  async function receive({ incomingServer: server }, subject) {
    const inbox = () => server.rootFolder.getFolderWithFlags(Ci.nsMsgFolderFlags.Inbox);
    const shown = new Promise((resolve) => {
      const look = () => {
        if (![...(inbox()?.messages ?? [])].some((message) => message.mime2DecodedSubject === subject)) return;
        MailServices.mfn.removeListener(listener);
        resolve();
      };
      const listener = { msgAdded: look, msgsClassified: look };
      MailServices.mfn.addListener(listener, MailServices.mfn.msgAdded | MailServices.mfn.msgsClassified);
      look();
    });
    server.getNewMessages(inbox() ?? server.rootFolder, window.msgWindow, null);
    await shown;
  }

  async function send({ defaultIdentity: identity }, letter) {
    const composeFields = Cc['@mozilla.org/messengercompose/composefields;1'].createInstance(Ci.nsIMsgCompFields);
    Object.assign(composeFields, letter);
    const how = Cc['@mozilla.org/messengercompose/composeparams;1'].createInstance(Ci.nsIMsgComposeParams);
    Object.assign(how, { type: Ci.nsIMsgCompType.New, format: Ci.nsIMsgCompFormat.PlainText, identity, composeFields });
    const opened = new Promise((resolve) => {
      const ready = (window) => window.addEventListener('compose-editor-ready', () => {
        Services.ww.unregisterNotification(ready);
        resolve(window);
      }, { once: true });
      Services.ww.registerNotification(ready);
    });
    MailServices.compose.OpenComposeWindowWithParams(null, how);
    const composer = await opened;
    let outcome = 'it was not sent';
    composer.gMsgCompose.addMsgSendListener({
      onStartSending() {}, onProgress() {}, onStatus() {}, onGetDraftFolderURI() {}, onSendNotPerformed() {},
      onStopSending(_id, status, text) { outcome = Components.isSuccessCode(status) ? '' : 'sending failed: ' + status + ' ' + text; },
      onTransportSecurityError(_id, status) { outcome = 'no TLS for sending: ' + status; },
    });
    const closed = new Promise((resolve) => composer.addEventListener('unload', resolve, { once: true }));
    composer.goDoCommand('cmd_sendNow');
    await closed; // which comes when all is filed
    if (outcome) throw new Error(outcome);
  }
`;
