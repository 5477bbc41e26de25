// What is seldom wanted in a call: everybody as one picture, and recording.
import type { Call } from '@parley/client';
import { css, html, nothing } from 'lit';
import { define, Follow, ParleyElement } from './element.ts';
import { emit } from './events.ts';
import { icons } from './icons.ts';
import { recordingText as text } from './recording-strings.ts';

export class ParleyCallMenu extends ParleyElement {
  static override properties = { call: { attribute: false }, open: { state: true } };
  declare call: Call | null;
  declare open: boolean;
  readonly #view = new Follow(this, () => this.call?.view);
  readonly #mixing = new Follow(this, () => this.call?.mixing);

  static override styles = [
    ParleyElement.styles,
    css`
      :host {
        position: relative;
      }
      .menu {
        position: absolute;
        z-index: 6;
        inset-inline-end: 0;
        top: calc(100% + 8px);
        display: grid;
        gap: 2px;
        width: min(320px, 100vw - 24px);
        padding: 8px;
        border-radius: var(--radius-large);
        background: var(--raised);
        box-shadow: var(--shadow-high);
      }
      .choice {
        display: grid;
        grid-template-columns: auto minmax(0, 1fr) auto;
        align-items: center;
        gap: 2px 12px;
        min-height: 60px;
        padding: 8px 12px;
        border-radius: var(--radius);
        text-align: start;
      }
      .choice:hover:not([aria-disabled='true']) {
        background: var(--sunken);
      }
      .choice[aria-disabled='true'] {
        cursor: default;
        color: var(--muted);
      }
      .choice .icon {
        grid-row: span 2;
      }
      .word {
        font-weight: 550;
      }
      .quiet {
        grid-column: 2;
      }
      .switch {
        grid-column: 3;
        grid-row: 1 / span 2;
        width: 40px;
        height: 24px;
        padding: 3px;
        border-radius: 12px;
        background: var(--line-strong);
      }
      .switch::before {
        content: '';
        display: block;
        width: 18px;
        height: 18px;
        border-radius: 50%;
        background: #ffffff;
      }
      [aria-checked='true'] .switch {
        background: var(--accent);
      }
      [aria-checked='true'] .switch::before {
        margin-inline-start: auto;
      }
      [aria-disabled='true'] .switch {
        opacity: 0.45;
      }
    `,
  ];

  constructor() {
    super();
    this.call = null;
    this.open = false;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    document.addEventListener('pointerdown', this.#elsewhere);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    document.removeEventListener('pointerdown', this.#elsewhere);
  }

  override render() {
    return html`<button type="button" class="round" data-testid="call-menu" aria-label=${text.menuLabel}
        title=${text.menu} aria-haspopup="menu" aria-expanded=${this.open} @click=${this.#toggle}>${icons.more}</button>
      ${this.open ? this.#menu() : nothing}`;
  }

  #menu() {
    const view = this.#view.value;
    const mixing = this.#mixing.value;
    if (!view || !mixing) return nothing;
    const conference = view.path === 'conference';
    const canMix = conference && (mixing.available || mixing.wanted);
    const why = canMix ? text.mixedHint : conference ? text.mixedNot : text.mixedDirect;
    return html`<div class="menu" role="menu" aria-label=${text.menuLabel} @keydown=${this.#key}>
      <button type="button" class="choice" role="menuitemcheckbox" data-testid="receive-mixed" aria-checked=${mixing.wanted}
        data-received=${mixing.received} aria-disabled=${!canMix}
        @click=${() => canMix && void this.#try(() => this.call?.setMixed(!mixing.wanted))}>
        ${icons.mixed}<span class="word">${text.mixed}</span><span class="quiet">${why}</span>
        <span class="switch" aria-hidden="true"></span>
      </button>
      ${view.recording ? this.#stop() : view.may.add ? this.#record(view.canRecord) : nothing}
    </div>`;
  }

  #stop() {
    return html`<button type="button" class="choice" role="menuitem" data-testid="menu-stop-recording"
      @click=${() => void this.#do(() => this.call?.stopRecording())}>
      ${icons.stop}<span class="word">${text.stop}</span></button>`;
  }

  #record(can: boolean) {
    return html`<button type="button" class="choice" role="menuitem" data-testid="record" aria-disabled=${!can}
      @click=${() => can && void this.#do(() => this.call?.record())}>
      ${icons.record}<span class="word">${text.record}</span>
      <span class="quiet">${can ? text.recordHint : text.recordNot}</span></button>`;
  }

  async #do(act: () => Promise<void> | undefined): Promise<void> {
    this.#close();
    await this.#try(act);
  }

  async #try(act: () => Promise<void> | undefined): Promise<void> {
    try {
      await act();
    } catch (error) {
      emit(this, 'parley-problem', { error });
    }
  }

  readonly #toggle = async () => {
    this.open = !this.open;
    if (!this.open) return;
    await this.updateComplete;
    this.#choices()[0]?.focus();
  };

  #choices(): HTMLElement[] {
    return [...this.renderRoot.querySelectorAll<HTMLElement>('.choice')];
  }

  #close(): void {
    this.open = false;
    this.renderRoot.querySelector<HTMLElement>('.round')?.focus();
  }

  readonly #key = (event: KeyboardEvent) => {
    const all = this.#choices();
    const at = all.indexOf(event.target as HTMLElement);
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (event.key === 'Escape') this.#close();
    else if (event.key === 'Tab') this.open = false;
    else if (step !== 0) {
      event.preventDefault();
      all[(at + step + all.length) % all.length]?.focus();
    }
  };

  readonly #elsewhere = (event: Event) => {
    if (this.open && !event.composedPath().includes(this)) this.open = false;
  };
}

define('parley-call-menu', ParleyCallMenu);
