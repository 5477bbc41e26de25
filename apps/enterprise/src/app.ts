// From nothing to a workspace: asks the node who it is, lets the person sign in, connects, and says in a sentence what
// keeps any of that from working.
import { connect, type NodeInfo, nodeInfo, type Session } from '@parley/client';
import { listen } from '@parley/elements';
import { asParleyError } from '@parley/protocol';
import { css, html, LitElement, nothing } from 'lit';
import { texts } from './texts.ts';

type Stage =
  | { readonly name: 'starting' }
  | { readonly name: 'sign-in'; readonly info: NodeInfo; readonly error: string }
  | { readonly name: 'signed-in'; readonly session: Session }
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
      if (!this.#leaving) void this.#signInAgain('session-expired');
    });
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
      const error = takeError();
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
      const session = await connect();
      // For people with a console open, and for the tests: what the SDK knows of the running call.
      Object.assign(window, { parley: { session } });
      document.title = `${session.me.name} – ${info.provider.name}`;
      this.stage = { name: 'signed-in', session };
    } catch (thrown) {
      const error = asParleyError(thrown);
      if (error.code === 'session-expired' || error.code === 'not-signed-in') await this.#signInAgain(error.code);
      else this.stage = { name: 'failed', sentence: error.message };
    }
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
      case 'signed-in':
        return html`<parley-workspace .session=${stage.session}></parley-workspace>`;
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
  for (const name of ['error', 'sign-in', 'login_hint']) url.searchParams.delete(name);
  if (url.href !== location.href) history.replaceState(null, '', url);
  return error;
}

customElements.define('parley-app', ParleyApp);
