// From nothing to a workspace: asks the node who it is, lets the person sign in, connects, and says in a sentence what
// keeps any of that from working.
import {
  connect,
  enterByLink,
  type Invitation,
  invitation,
  type NodeInfo,
  nodeInfo,
  type Session,
  type SignInChoice,
} from '@parley/client';
import { listen } from '@parley/elements';
import { asParleyError, type ConversationId, conversationIdSchema } from '@parley/protocol';
import { css, html, LitElement, nothing } from 'lit';
import { joinLink, keep, kept } from './join-link.ts';
import { texts } from './texts.ts';

type Stage =
  | { readonly name: 'starting' }
  | { readonly name: 'sign-in'; readonly info: NodeInfo; readonly error: string }
  | {
      readonly name: 'join';
      readonly invitation: Invitation;
      readonly at: 'asking' | 'entering' | 'waiting';
      readonly problem: string;
    }
  | { readonly name: 'signed-in'; readonly session: Session; readonly accounts: string }
  | { readonly name: 'failed'; readonly sentence: string };

class ParleyApp extends LitElement {
  static override properties = { stage: { state: true } };
  declare stage: Stage;
  #leaving = false;

  static override styles = css`
    :host {
      display: block;
      height: 100dvh;
    }
    .centre {
      display: grid;
      align-items: center;
      box-sizing: border-box;
      height: 100%;
      padding: 16px;
      overflow: auto;
    }
    .failed {
      display: grid;
      justify-items: center;
      gap: 20px;
      max-width: 420px;
      margin: auto;
      line-height: 1.5;
      text-align: center;
    }
    .failed p {
      margin: 0;
    }
    .starting {
      width: 40px;
      height: 40px;
      margin: auto;
      border: 4px solid light-dark(#dde4ea, #2b3741);
      border-top-color: light-dark(var(--parley-accent), var(--parley-accent-dark));
      border-radius: 50%;
      animation: turn 0.9s linear infinite;
    }
    @keyframes turn {
      to {
        rotate: 1turn;
      }
    }
    @media (prefers-reduced-motion: reduce) {
      .starting {
        animation-duration: 6s;
      }
    }
    button {
      min-height: 48px;
      padding: 10px 24px;
      border: 0;
      border-radius: 999px;
      background: light-dark(var(--parley-accent), var(--parley-accent-dark));
      color: light-dark(#ffffff, #04232e);
      font: inherit;
      font-weight: 600;
      cursor: pointer;
    }
    button:focus-visible {
      outline: 3px solid light-dark(var(--parley-accent), var(--parley-accent-dark));
      outline-offset: 2px;
    }
  `;

  constructor() {
    super();
    this.stage = { name: 'starting' };
    listen(this, 'parley-sign-out', () => void this.#signOut());
    listen(this, 'parley-session-ended', () => {
      const guest = this.stage.name === 'signed-in' && this.stage.session.me.guest;
      // A guest's session ends with the call; what is shown then says how it ended.
      if (!this.#leaving && !guest) void this.#signInAgain('session-expired');
    });
    listen(this, 'parley-enter', (choice) => void this.#enter(choice));
    listen(this, 'parley-enter-cancel', () => location.reload());
    listen(this, 'parley-identify', ({ choice }) => void this.#identify(choice));
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void this.#start();
  }

  async #start(): Promise<void> {
    this.stage = { name: 'starting' };
    try {
      const info = await nodeInfo();
      document.title = info.provider.name;
      const asked = new URL(location.href).searchParams;
      const accounts = asked.get('accounts') ?? '';
      const error = takeError();
      const link = joinLink();
      const back = conversationIdSchema.safeParse(kept('return'));
      if (back.success && (info.signedIn || info.guest)) return await this.#comeBack(info, back.data);
      if (link) return await this.#showInvitation(link, '');
      // A link may name the way to sign in, and as whom: `?sign-in=company&login_hint=bob`.
      const choice = info.signIn.find(({ id }) => id === asked.get('sign-in'));
      if (choice && !info.signedIn && !error) {
        location.assign(choice.url('/', { loginHint: asked.get('login_hint') ?? '', prompt: 'login' }));
        return;
      }
      if (!info.signedIn || error) {
        this.stage = { name: 'sign-in', info, error };
        return;
      }
      this.#show(await connect(), info.provider.name, accounts);
    } catch (thrown) {
      const error = asParleyError(thrown);
      if (error.code === 'session-expired' || error.code === 'not-signed-in') await this.#signInAgain(error.code);
      else this.stage = { name: 'failed', sentence: error.message };
    }
  }

  async #showInvitation(link: string, problem: string): Promise<void> {
    try {
      const found = await invitation(link);
      this.stage = { name: 'join', invitation: found, at: 'asking', problem };
    } catch (thrown) {
      keep('link', null);
      this.stage = { name: 'failed', sentence: problem || asParleyError(thrown).message };
    }
  }

  /** By the link: as a guest with a name, or as who is signed in here. */
  async #enter({ name, ...media }: { name: string | null; microphone: boolean; camera: boolean }): Promise<void> {
    const link = kept('link');
    if (this.stage.name !== 'join' || !link) return;
    const { invitation: found } = this.stage;
    const at = (where: 'entering' | 'waiting') => {
      if (this.stage.name === 'join') this.stage = { name: 'join', invitation: found, at: where, problem: '' };
    };
    at('entering');
    let session: Session | null = null;
    try {
      const conversation = await enterByLink(link, name);
      session = await connect();
      const stop = session.waiting.subscribe((waits) => at(waits ? 'waiting' : 'entering'));
      try {
        await session.enter(conversation, media);
      } finally {
        stop();
      }
      this.#show(session, found.provider.name);
    } catch (thrown) {
      session?.close();
      await this.#showInvitation(link, asParleyError(thrown).message);
    }
  }

  /** To an issuer and back, with the place in the call kept. */
  async #identify(choice: SignInChoice): Promise<void> {
    if (this.stage.name !== 'signed-in') return;
    const { session } = this.stage;
    const call = session.call.get();
    if (!call) return;
    this.stage = { name: 'starting' };
    try {
      await call.identify();
      keep('return', call.conversation);
      location.assign(choice.url('/join', { prompt: 'login' }));
    } catch {
      this.stage = { name: 'signed-in', session, accounts: '' };
    }
  }

  async #comeBack(info: NodeInfo, conversation: ConversationId): Promise<void> {
    keep('return', null);
    const session = await connect();
    try {
      await session.enter(conversation);
    } catch (thrown) {
      // The call went on without this person: somebody with an account goes on to the contacts.
      if (!session.me.guest) history.replaceState(null, '', '/');
      else throw thrown;
    }
    this.#show(session, info.provider.name);
  }

  #show(session: Session, company: string, accounts = ''): void {
    // For people with a console open, and for the tests: what the SDK knows of the running call.
    Object.assign(window, { parley: { session } });
    document.title = `${session.me.name} – ${company}`;
    if (!session.me.guest) history.replaceState(null, '', '/');
    this.stage = { name: 'signed-in', session, accounts };
  }

  async #signInAgain(error: string): Promise<void> {
    try {
      this.stage = { name: 'sign-in', info: await nodeInfo(), error };
    } catch (thrown) {
      this.stage = { name: 'failed', sentence: asParleyError(thrown).message };
    }
  }

  async #signOut(): Promise<void> {
    if (this.stage.name !== 'signed-in') return;
    this.#leaving = true;
    try {
      await this.stage.session.signOut();
      await this.#start();
    } catch (thrown) {
      this.stage = { name: 'failed', sentence: asParleyError(thrown).message };
    } finally {
      this.#leaving = false;
    }
  }

  override render() {
    const { stage } = this;
    switch (stage.name) {
      case 'starting':
        return html`<div class="centre" role="status" aria-label=${texts.starting}><div class="starting"></div></div>`;
      case 'sign-in':
        return html`<main class="centre">
          <parley-sign-in .info=${stage.info} .error=${stage.error} return-to="/"></parley-sign-in></main>`;
      case 'join':
        return html`<main class="centre"><parley-join .invitation=${stage.invitation} .stage=${stage.at}
          .problem=${stage.problem}></parley-join></main>`;
      case 'signed-in':
        return html`<parley-workspace .session=${stage.session} .accounts=${stage.accounts}></parley-workspace>`;
      case 'failed':
        return html`<main class="centre"><div class="failed" role="alert" data-testid="failed">
          <p>${stage.sentence}</p>
          <button type="button" @click=${() => this.#start()}>${texts.tryAgain}</button></div></main>`;
      default:
        return nothing;
    }
  }
}

/** The error code that the node put into the address, which is then taken out so that a reload starts afresh. */
function takeError(): string {
  const url = new URL(location.href);
  const error = url.searchParams.get('error') ?? '';
  for (const name of ['error', 'sign-in', 'login_hint', 'accounts']) url.searchParams.delete(name);
  if (url.href !== location.href) history.replaceState(null, '', url);
  return error;
}

customElements.define('parley-app', ParleyApp);
