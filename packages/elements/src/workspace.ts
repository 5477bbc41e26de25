// Everything a signed-in person sees: contacts, the call, what rings, and how the connection is. An app with an
// arrangement of its own uses the parts instead.
import type { Session } from '@parley/client';
import { asParleyError } from '@parley/protocol';
import { css, html, nothing, type PropertyValues } from 'lit';
import './avatar.ts';
import './call.ts';
import { define, Follow, ParleyElement, prepareStyles } from './element.ts';
import { emit, listen } from './events.ts';
import { icons } from './icons.ts';
import './incoming.ts';
import './people.ts';
import type { ParleyPeople } from './people.ts';
import './presence-menu.ts';
import { recordingText } from './recording-strings.ts';
import { text } from './strings.ts';
import './recordings.ts';
import type { ParleyRecordings } from './recordings.ts';
import './sign-ins.ts';
import type { ParleySignIns } from './sign-ins.ts';
import './toasts.ts';
import type { ParleyToasts } from './toasts.ts';

export class ParleyWorkspace extends ParleyElement {
  static override properties = { session: { attribute: false }, silent: { type: Boolean }, accounts: {} };
  declare session: Session | null;
  /** Without the ringing sound. */
  declare silent: boolean;
  /** What came of linking an account, if the browser has just come back from that: see `parley-accounts`. */
  declare accounts: string;
  readonly #call = new Follow(this, () => this.session?.call);
  readonly #connection = new Follow(this, () => this.session?.connection);
  #starting = false;
  #stops: (() => void)[] = [];

  static override styles = [
    ParleyElement.styles,
    css`
      :host {
        position: relative;
        height: 100%;
        background: var(--canvas);
      }
      .frame {
        display: flex;
        flex-direction: column;
        height: 100%;
      }
      .banner {
        display: flex;
        align-items: center;
        justify-content: center;
        gap: 10px;
        padding: 10px 16px;
        background: var(--warning-soft);
        color: var(--warning-text);
        font-size: 0.9375rem;
        font-weight: 550;
      }
      .banner small {
        font-size: 0.875rem;
        font-weight: 450;
      }
      .home {
        flex: 1;
        display: grid;
        grid-template: minmax(0, 1fr) / minmax(0, 1fr);
        min-height: 0;
      }
      .gone {
        place-items: center;
        padding: 24px;
        color: var(--muted);
        text-align: center;
      }
      .side {
        display: flex;
        flex-direction: column;
        gap: 16px;
        min-height: 0;
        padding: 16px 16px 0;
        background: var(--surface);
      }
      .top {
        display: flex;
        align-items: center;
        gap: 10px;
        min-width: 0;
      }
      .mark {
        display: grid;
        place-items: center;
        flex: none;
        width: 36px;
        height: 36px;
        border-radius: 11px;
        background: var(--accent);
        color: var(--on-accent);
        font-weight: 700;
      }
      .top h1 {
        flex: 1;
        min-width: 0;
        font-size: 1.125rem;
        font-weight: 700;
        letter-spacing: -0.01em;
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      .me {
        display: flex;
        align-items: center;
        gap: 12px;
        padding: 12px;
        border-radius: 18px;
        background: var(--canvas);
      }
      .me div {
        flex: 1;
        min-width: 0;
      }
      .me p {
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      .me .name {
        font-weight: 600;
      }
      .me .address {
        color: var(--muted);
        font-size: 0.8125rem;
      }
      .me parley-presence-menu {
        flex: none;
        max-width: 46%;
      }
      parley-people {
        flex: 1;
      }
      .welcome {
        display: none;
      }
      .welcome .inside {
        display: grid;
        justify-items: center;
        gap: 12px;
        max-width: 460px;
        text-align: center;
      }
      .welcome h2 {
        font-size: 2rem;
        line-height: 1.15;
        font-weight: 700;
        letter-spacing: -0.025em;
        overflow-wrap: anywhere;
      }
      .welcome p {
        color: var(--muted);
        text-wrap: balance;
      }
      .picture {
        width: 176px;
        height: 112px;
        margin-bottom: 12px;
        color: var(--accent);
      }
      .address-card {
        margin-top: 14px;
        padding: 10px 18px;
        border-radius: 999px;
        background: var(--surface);
        font-size: 0.9375rem;
      }
      .address-card strong {
        color: var(--text);
        font-weight: 600;
      }
      @media (min-width: 860px) {
        .home {
          grid-template-columns: 384px minmax(0, 1fr);
        }
        .side {
          padding: 20px 20px 0;
          border-inline-end: 1px solid var(--line);
        }
        .welcome {
          display: grid;
          place-items: center;
          padding: 32px;
        }
      }
      parley-call {
        flex: 1;
        min-height: 0;
      }
      .frame > parley-toasts {
        position: absolute;
        z-index: 6;
        inset: 72px 12px auto;
      }
    `,
  ];

  constructor() {
    super();
    this.session = null;
    this.silent = false;
    this.accounts = '';
  }

  override connectedCallback(): void {
    super.connectedCallback();
    prepareStyles();
    this.#stops = [
      listen(this, 'parley-call', ({ address, conference }) => void this.#start(address, conference)),
      listen(this, 'parley-save-contact', ({ address }) => void this.#try(() => this.session?.addContact(address))),
      listen(
        this,
        'parley-remove-contact',
        ({ address }) => void this.#try(() => this.session?.removeContact(address)),
      ),
      listen(this, 'parley-dismiss', () => this.session?.dismiss()),
      listen(this, 'parley-problem', ({ error }) => this.#problem(error)),
      listen(this, 'parley-missed', ({ name }) => this.#toasts?.show({ kind: 'missed', sentence: text.rangOff(name) })),
    ];
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    for (const stop of this.#stops.splice(0)) stop();
  }

  protected override updated(changed: PropertyValues): void {
    super.updated(changed);
    if (this.#connection.value === 'ended') emit(this, 'parley-session-ended', null);
  }

  get #toasts(): ParleyToasts | null {
    return this.renderRoot.querySelector<ParleyToasts>('.frame > parley-toasts');
  }

  override render() {
    const { session } = this;
    if (!session) return nothing;
    const call = this.#call.value ?? null;
    return html`<div class="frame">
      <div role="status">${
        this.#connection.value === 'reconnecting'
          ? html`<p class="banner" data-testid="reconnecting">${icons.warning}<span>${text.reconnecting}
              ${call ? html`<small>${text.reconnectingHint}</small>` : nothing}</span></p>`
          : nothing
      }</div>
      ${call ? html`<parley-call .session=${session} .call=${call}></parley-call>` : this.#home(session)}
      <parley-toasts></parley-toasts>
      ${session.me.guest ? nothing : html`<parley-incoming .session=${session} ?silent=${this.silent}></parley-incoming>`}
    </div>`;
  }

  #home(session: Session) {
    const { me, provider } = session;
    // A guest is here for one call only.
    if (me.guest) return html`<main class="home gone"><p>${text.closeWindow}</p></main>`;
    return html`<div class="home">
      <main class="side">
        <header class="top">
          <span class="mark" aria-hidden="true">${[...provider.name][0]}</span>
          <h1>${provider.name}</h1>
          <button type="button" class="round" data-testid="recordings" aria-label=${recordingText.list} title=${recordingText.list}
            @click=${() => this.renderRoot.querySelector<ParleyRecordings>('parley-recordings')?.show()}>${icons.record}</button>
          <button type="button" class="round" data-testid="sign-ins" aria-label=${text.signIns} title=${text.signIns}
            @click=${() => this.renderRoot.querySelector<ParleySignIns>('parley-sign-ins')?.show()}>${icons.key}</button>
          <button type="button" class="round" data-testid="sign-out" aria-label=${text.signOut} title=${text.signOut}
            @click=${() => emit(this, 'parley-sign-out', null)}>${icons.signOut}</button>
        </header>
        <section class="me" aria-label=${text.you}>
          <div>
            <p class="name" data-testid="self-name">${me.name}</p>
            <p class="address" data-testid="self-address" title=${me.address}>${me.address}</p>
          </div>
          <parley-presence-menu .session=${session}></parley-presence-menu>
        </section>
        <parley-people .session=${session} mode="call"></parley-people>
        <parley-sign-ins .session=${session} .outcome=${this.accounts}></parley-sign-ins>
        <parley-recordings .session=${session}></parley-recordings>
      </main>
      <aside class="welcome">
        <div class="inside">
          ${picture}
          <h2>${text.emptyTitle(firstName(me.name))}</h2>
          <p>${text.emptyHint}</p>
          <p class="address-card">${text.yourAddress} <strong>${me.address}</strong></p>
        </div>
      </aside>
    </div>`;
  }

  async #start(address: string, conference: boolean): Promise<void> {
    // A second click while the first still asks for the microphone would be a second call.
    if (this.#starting) return;
    this.#starting = true;
    try {
      await this.#try(() => this.session?.startCall(address, { path: conference ? 'conference' : 'direct-first' }));
    } finally {
      this.#starting = false;
    }
  }

  async #try(act: () => Promise<unknown> | undefined): Promise<void> {
    try {
      await act();
      this.renderRoot.querySelector<ParleyPeople>('parley-people')?.clear();
    } catch (error) {
      this.#problem(error);
    }
  }

  #problem(error: unknown): void {
    const { code, message } = asParleyError(error);
    this.#toasts?.show({ kind: code, sentence: message, trouble: true });
  }
}

function firstName(name: string): string {
  return name.split(/\s/u)[0] ?? name;
}

// Two people, and the way from one to the other.
const picture = html`<svg class="picture" viewBox="0 0 176 112" aria-hidden="true" fill="none">
  <circle cx="44" cy="60" r="36" fill="currentColor" opacity="0.14"/>
  <circle cx="132" cy="60" r="36" fill="currentColor" opacity="0.14"/>
  <circle cx="44" cy="50" r="12" fill="currentColor" opacity="0.85"/>
  <path d="M22 84c2-14 11-20 22-20s20 6 22 20a36 36 0 0 1-44 0z" fill="currentColor" opacity="0.85"/>
  <circle cx="132" cy="50" r="12" fill="currentColor" opacity="0.55"/>
  <path d="M110 84c2-14 11-20 22-20s20 6 22 20a36 36 0 0 1-44 0z" fill="currentColor" opacity="0.55"/>
  <path d="M62 22c14-14 38-14 52 0" stroke="currentColor" stroke-width="3" stroke-linecap="round" stroke-dasharray="1 8"/>
  <circle cx="88" cy="11.5" r="5" fill="currentColor"/>
</svg>`;

define('parley-workspace', ParleyWorkspace);
