// What is asked of the person during a call, above the tiles until it is answered: guests who wait to be let in, the request to
// switch the microphone on, and to prove who one is.
import type { Call, CallView } from '@parley/client';
import { type Address, asParleyError, type Person } from '@parley/protocol';
import { css, html, nothing, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { define, Follow, ParleyElement } from './element.ts';
import { emit } from './events.ts';
import { icons } from './icons.ts';
import { countdown, text } from './strings.ts';

/** More than this who wait are found in the list of people. */
const MAX_SHOWN = 3;

export class ParleyCallRequests extends ParleyElement {
  static override properties = { call: { attribute: false }, declined: { state: true } };
  declare call: Call | null;
  /** Who asked to unmute and was told "not now". */
  declare declined: Address | null;
  readonly #view = new Follow(this, () => this.call?.view);
  #ticking: ReturnType<typeof setInterval> | undefined;

  static override styles = [
    ParleyElement.styles,
    css`
      :host {
        pointer-events: none;
      }
      ul {
        display: grid;
        justify-items: center;
        gap: 8px;
      }
      li {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 8px 12px;
        width: min(100%, 560px);
        padding: 8px 10px 10px 16px;
        border: 1px solid var(--line);
        border-radius: 22px;
        background: var(--raised);
        box-shadow: var(--shadow-high);
        font-weight: 550;
        pointer-events: auto;
        animation: arrive 180ms ease-out;
      }
      li > .icon {
        color: var(--accent-text);
      }
      li.urgent {
        border-color: transparent;
        background: var(--warning-soft);
        color: var(--warning-text);
      }
      li.urgent > .icon {
        color: inherit;
      }
      .what {
        flex: 1 1 180px;
        min-width: 0;
        padding-top: 4px;
        overflow-wrap: anywhere;
      }
      .answers {
        display: flex;
        gap: 8px;
        margin-inline-start: auto;
      }
      .button {
        min-height: var(--touch);
        padding: 6px 18px;
        font-size: 0.9375rem;
      }
      @keyframes arrive {
        from {
          opacity: 0;
          translate: 0 -6px;
        }
      }
    `,
  ];

  constructor() {
    super();
    this.call = null;
    this.declined = null;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#ticking = setInterval(() => {
      if (this.#view.value?.identify) this.requestUpdate();
    }, 500);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.#ticking);
  }

  override render() {
    const view = this.#view.value;
    if (!view) return nothing;
    const waiting = view.may.organise ? view.lobby.slice(0, MAX_SHOWN) : [];
    return html`<div role="status"><ul aria-label=${text.notices}>
      ${this.#identify(view)} ${this.#unmute(view)}
      ${repeat(
        waiting,
        ({ address }) => address,
        (person) => this.#waiting(person),
      )}
    </ul></div>`;
  }

  #waiting(person: Person): TemplateResult {
    return html`<li data-testid="waiting-${person.address}" data-waiting=${person.name}>
      ${icons.door}<span class="what">${text.waits(person.name)}</span>
      <span class="answers">
        <button type="button" class="button" data-testid="refuse" aria-label=${text.refuseThis(person.name)}
          @click=${() => this.#do(this.call?.turnAway(person.address))}>${text.refuse}</button>
        <button type="button" class="button primary" data-testid="admit" aria-label=${text.admitThis(person.name)}
          @click=${() => this.#do(this.call?.admit(person.address))}>${text.admit}</button>
      </span></li>`;
  }

  #unmute({ participants }: CallView) {
    const self = participants.find((p) => p.self);
    const by = self?.unmuteAskedBy;
    if (!self || !by || self.microphone || this.declined === by.address) return nothing;
    return html`<li data-testid="unmute-asked">${icons.microphone}<span class="what">${text.asksUnmute(by.name)}</span>
      <span class="answers">
        <button type="button" class="button" @click=${() => {
          this.declined = by.address;
        }}>${text.notNow}</button>
        <button type="button" class="button primary" data-testid="unmute-now"
          @click=${() => this.#do(this.call?.setMicrophone(true))}>${text.unmuteWord}</button>
      </span></li>`;
  }

  #identify({ identify }: CallView) {
    if (!identify) return nothing;
    const clock = countdown(identify.until, Date.now());
    // The clock is not read out every second: what is asked is said once, in the window that opens.
    return html`<li class="urgent" data-testid="identify-asked">${icons.shield}
      <span class="what" aria-live="off">${text.proveYourself(identify.by?.name ?? text.somebody, clock)}</span>
      <span class="answers"><button type="button" class="button primary" data-testid="identify-open"
        @click=${() => this.dispatchEvent(new CustomEvent('identify'))}>${text.signInNow}</button></span></li>`;
  }

  async #do(asked: Promise<unknown> | undefined): Promise<void> {
    try {
      await asked;
    } catch (error) {
      emit(this, 'parley-problem', { error: asParleyError(error) });
    }
  }
}

define('parley-call-requests', ParleyCallRequests);
