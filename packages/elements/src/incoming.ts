// The window of a call that rings: who, from which company, why, who else; and the three answers. It takes the focus to
// itself, not to a button, so that nobody answers by accident while typing.
import type { IncomingCall, Session } from '@parley/client';
import { asParleyError } from '@parley/protocol';
import { css, html, nothing, type PropertyValues } from 'lit';
import './avatar.ts';
import { define, Follow, ParleyElement } from './element.ts';
import { emit } from './events.ts';
import { icons } from './icons.ts';
import { startRinging } from './ring.ts';
import { incomingTitle, text } from './strings.ts';
import './trust.ts';

export class ParleyIncoming extends ParleyElement {
  static override properties = {
    session: { attribute: false },
    silent: { type: Boolean },
    working: { state: true },
    problem: { state: true },
  };
  declare session: Session | null;
  /** Without the ringing sound. */
  declare silent: boolean;
  declare working: boolean;
  declare problem: string;
  readonly #incoming = new Follow(this, () => this.session?.incoming);
  readonly #others = new Follow(this, () => this.#ringing?.others);
  readonly #trust = new Follow(this, () => this.#ringing?.trust);
  readonly #connected = new Follow(this, () => this.#ringing?.callerConnected);
  #ringing: IncomingCall | null = null;
  /** The call answered or declined here, which is therefore not missed. */
  #answered: IncomingCall | null = null;
  #stopRinging: (() => void) | null = null;

  static override styles = [
    ParleyElement.styles,
    css`
      dialog {
        width: min(100vw - 24px, 400px);
        margin: auto;
        padding: 32px 24px 24px;
        text-align: center;
      }
      dialog:focus-visible {
        outline: none;
      }
      @media (max-width: 560px) {
        dialog {
          width: 100vw;
          margin: auto 0 0;
          padding-bottom: max(24px, env(safe-area-inset-bottom));
          border-radius: 28px 28px 0 0;
        }
      }
      dialog[open] {
        animation: rise 220ms cubic-bezier(0.2, 0.8, 0.2, 1);
      }
      @keyframes rise {
        from {
          opacity: 0;
          translate: 0 16px;
        }
      }
      .kind {
        margin-bottom: 20px;
        color: var(--accent-text);
        font-size: 0.875rem;
        font-weight: 650;
      }
      .picture {
        --avatar-size: 96px;
        --surface: var(--raised);
        display: grid;
        place-items: center;
        position: relative;
        margin-bottom: 18px;
      }
      .picture::before {
        content: '';
        position: absolute;
        width: 96px;
        height: 96px;
        border-radius: 50%;
        background: var(--accent);
        opacity: 0;
        /* Moved by the compositor, and in steps, so that the page has its time for the call. */
        animation: ring 1.8s steps(27) infinite;
      }
      @keyframes ring {
        from {
          transform: scale(1);
          opacity: 0.5;
        }
        to {
          transform: scale(1.46);
          opacity: 0;
        }
      }
      h2 {
        font-size: 1.5rem;
        line-height: 1.25;
        font-weight: 700;
        letter-spacing: -0.015em;
        overflow-wrap: anywhere;
      }
      .company {
        margin-top: 6px;
        font-weight: 550;
        overflow-wrap: anywhere;
      }
      .trust {
        display: grid;
        justify-items: center;
        gap: 6px;
        margin-top: 14px;
      }
      .facts {
        display: grid;
        gap: 8px;
        margin-top: 16px;
        overflow-wrap: anywhere;
      }
      .title {
        padding: 10px 14px;
        border-radius: var(--radius);
        background: var(--sunken);
      }
      .connected {
        display: inline-flex;
        justify-content: center;
        align-items: center;
        gap: 8px;
        color: var(--accent-text);
        font-size: 0.9375rem;
        font-weight: 600;
        text-align: start;
      }
      .problem {
        margin-top: 16px;
      }
      .answers {
        display: grid;
        grid-template-columns: 1fr 1fr;
        gap: 10px;
        margin-top: 24px;
      }
      .answers .first {
        grid-column: 1 / -1;
        min-height: 54px;
      }
      .answers .button {
        padding-inline: 12px;
      }
      .more {
        margin-top: 16px;
      }
    `,
  ];

  constructor() {
    super();
    this.session = null;
    this.silent = false;
    this.working = false;
    this.problem = '';
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#quiet();
  }

  // Controllers have their values only after willUpdate.
  protected override update(changed: PropertyValues): void {
    this.#next(this.#incoming.value?.[0] ?? null);
    super.update(changed);
  }

  #next(first: IncomingCall | null): void {
    if (first?.conversation === this.#ringing?.conversation) return;
    if (this.#ringing && this.#ringing !== this.#answered)
      emit(this, 'parley-missed', { name: this.#ringing.from.name });
    this.#ringing = first;
    this.problem = '';
    this.working = false;
    // What belongs to the call has to be followed anew.
    this.#others.hostUpdate();
    this.#connected.hostUpdate();
    this.#trust.hostUpdate();
  }

  protected override updated(changed: PropertyValues): void {
    super.updated(changed);
    const dialog = this.renderRoot.querySelector('dialog');
    if (!this.#ringing) {
      this.#quiet();
      if (dialog?.open) dialog.close();
      return;
    }
    if (!this.#stopRinging && !this.silent) this.#stopRinging = startRinging();
    if (dialog && !dialog.open) {
      dialog.showModal();
      dialog.focus();
    }
  }

  #quiet(): void {
    this.#stopRinging?.();
    this.#stopRinging = null;
  }

  override render() {
    const call = this.#ringing;
    // The dialog stays, empty, so that closing it gives the focus back to where it was.
    return html`<div class="sr" role="alert" aria-live="assertive">${call ? `${incomingTitle(call.from)} ${text.from(call.from.company)}` : ''}</div>
      <dialog tabindex="-1" closedby="none" aria-labelledby="who" aria-describedby="facts"
        @cancel=${(event: Event) => event.preventDefault()}>${call ? this.#window(call) : nothing}</dialog>`;
  }

  #window(call: IncomingCall) {
    const { from, title } = call;
    const others = (this.#others.value ?? []).filter(
      ({ person, state }) =>
        (state === 'joined' || state === 'alerting' || state === 'invited') &&
        person.address !== from.address &&
        person.address !== this.session?.me.address,
    );
    const waiting = (this.#incoming.value?.length ?? 1) - 1;
    const busy = this.#presentCall() !== null;
    // Nothing invites to answer somebody who is probably not who they seem.
    const failed = this.#trust.value?.status === 'failed';
    return html`<div data-testid="incoming" data-from=${from.address}>
      <p class="kind">${text.incomingCall}</p>
      <div class="picture"><parley-avatar .name=${from.name} .address=${from.address}></parley-avatar></div>
      <h2 id="who" data-testid="incoming-from">${from.name}</h2>
      <p class="company" data-testid="incoming-company">${from.company}</p>
      <p class="quiet">${from.address}</p>
      ${this.#trustOf(from)}
      <div class="facts" id="facts">
        ${title ? html`<p class="title" data-testid="incoming-title"><span class="sr">${text.about} </span>${title}</p>` : nothing}
        ${
          this.#connected.value
            ? html`<p class="connected" data-testid="caller-connected">${icons.hub}${text.alreadyConnected(from.name)}</p>`
            : nothing
        }
        ${
          others.length > 0
            ? html`<p class="quiet" data-testid="incoming-others">${text.alsoIn(others.map(({ person }) => person.name))}</p>`
            : nothing
        }
        ${busy ? html`<p class="quiet">${text.leavesPresent}</p>` : nothing}
      </div>
      ${this.problem ? html`<p class="problem" role="alert">${icons.warning}<span>${this.problem}</span></p>` : nothing}
      <div class="answers">
        <button type="button" class="button first ${failed ? '' : 'go'}" data-testid="accept" ?disabled=${this.working}
          @click=${() => this.#accept(call, true)}>${icons.camera}${text.accept}</button>
        <button type="button" class="button" data-testid="accept-audio" ?disabled=${this.working}
          @click=${() => this.#accept(call, false)}>${icons.call}${text.acceptAudio}</button>
        <button type="button" class="button danger" data-testid="decline" ?disabled=${this.working}
          @click=${() => this.#decline(call)}>${icons.hangUp}${text.decline}</button>
      </div>
      ${waiting > 0 ? html`<p class="quiet more" role="status">${text.moreWaiting(waiting)}</p>` : nothing}
    </div>`;
  }

  /** Who vouches for the caller, once it is known that somebody does. */
  #trustOf(from: IncomingCall['from']) {
    const trust = this.#trust.value;
    if (!trust) return nothing;
    const { issuer, account } = trust;
    const host = issuer && URL.canParse(issuer) ? new URL(issuer).host : null;
    return html`<div class="trust">
      <parley-trust .trust=${trust} .person=${from}></parley-trust>
      ${
        trust.status === 'verified' && host
          ? html`<p class="quiet" data-testid="incoming-issuer">${text.verifiedBy(host)}${account ? text.asAccount(account) : ''}</p>`
          : nothing
      }
      ${
        trust.status === 'failed' || trust.code === 'proof-missing'
          ? html`<p class="problem" role="alert" data-testid="incoming-untrusted">${icons.warning}<span>${trust.text}</span></p>`
          : nothing
      }
    </div>`;
  }

  #presentCall() {
    const present = this.session?.call.get() ?? null;
    return present && present.view.get().phase !== 'ended' ? present : null;
  }

  async #accept(call: IncomingCall, camera: boolean): Promise<void> {
    await this.#answer(call, async () => {
      await this.#presentCall()?.leave();
      await call.accept({ microphone: true, camera });
    });
  }

  async #decline(call: IncomingCall): Promise<void> {
    await this.#answer(call, () => call.decline());
  }

  async #answer(call: IncomingCall, act: () => Promise<unknown>): Promise<void> {
    this.working = true;
    this.problem = '';
    this.#answered = call;
    this.#quiet();
    try {
      await act();
    } catch (error) {
      this.#answered = null;
      this.problem = asParleyError(error).message;
    } finally {
      this.working = false;
    }
  }
}

define('parley-incoming', ParleyIncoming);
