// The trust badge: one word on whether somebody is who they seem to be, and behind it a page that says in plain words
// what was checked and by whom.
import { explainTrust, type TrustView } from '@parley/client';
import type { Person } from '@parley/protocol';
import { css, html, nothing } from 'lit';
import { define, ParleyElement } from './element.ts';
import { icons } from './icons.ts';
import { text } from './strings.ts';
import { sheet } from './styles.ts';

const looks = {
  checking: icons.shield,
  verified: icons.shieldCheck,
  unverified: icons.shield,
  failed: icons.warning,
} as const;

export class ParleyTrust extends ParleyElement {
  static override properties = {
    trust: { attribute: false },
    person: { attribute: false },
    small: { type: Boolean, reflect: true },
    open: { state: true },
  };
  declare trust: TrustView | null;
  declare person: Person | null;
  /** On a tile: without the word while all is well. */
  declare small: boolean;
  declare open: boolean;

  static override styles = [
    ParleyElement.styles,
    sheet,
    css`
      :host {
        display: inline-block;
      }
      .badge {
        position: relative;
        display: inline-flex;
        align-items: center;
        gap: 6px;
        min-height: var(--touch);
        padding: 0 14px 0 10px;
        border-radius: 999px;
        background: var(--sunken);
        color: var(--muted);
        font-size: 0.875rem;
        font-weight: 600;
      }
      .badge .icon {
        width: 18px;
        height: 18px;
      }
      .verified {
        background: color-mix(in oklab, var(--available) 16%, var(--surface));
        color: light-dark(#0c6339, #6fe0a6);
      }
      .unverified {
        background: var(--warning-soft);
        color: var(--warning-text);
      }
      .failed {
        background: var(--danger-soft);
        color: var(--danger-text);
      }
      :host([small]) .badge {
        min-height: 32px;
        padding: 0 10px 0 8px;
        font-size: 0.8125rem;
      }
      /* Small to look at, and not too small to touch. */
      :host([small]) .badge::after {
        content: '';
        position: absolute;
        inset: -6px;
      }
      :host([small]) .badge:not(:has(.loud)) {
        padding: 0 7px;
      }
      .loud {
        white-space: nowrap;
      }
      /* On a small tile there is room for the colour only. */
      @container (max-width: 210px) {
        :host([small]) .badge {
          padding: 0 7px;
        }
        .loud {
          position: absolute;
          width: 1px;
          height: 1px;
          overflow: hidden;
          clip-path: inset(50%);
        }
      }
      dialog {
        padding: 24px;
        text-align: start;
      }
      .sentence {
        margin-top: 8px;
        color: var(--muted);
      }
      ol {
        display: grid;
        gap: 14px;
        margin-top: 20px;
      }
      li {
        display: grid;
        grid-template-columns: 24px 1fr;
        gap: 10px;
        overflow-wrap: anywhere;
      }
      li .icon {
        margin-top: 1px;
        color: var(--muted);
      }
      li.yes .icon {
        color: var(--available);
      }
      li.no .icon {
        color: var(--danger-text);
      }
      .notes {
        display: grid;
        gap: 8px;
        margin-top: 18px;
        padding: 12px 14px;
        border-radius: var(--radius);
        background: var(--sunken);
        font-size: 0.9375rem;
      }
    `,
  ];

  constructor() {
    super();
    this.trust = null;
    this.person = null;
    this.small = false;
    this.open = false;
  }

  protected override updated(): void {
    const dialog = this.renderRoot.querySelector('dialog');
    if (this.open && dialog && !dialog.open) dialog.showModal();
  }

  override render() {
    const { trust, person } = this;
    if (!trust || !person) return nothing;
    const { word } = explainTrust(trust, person);
    const quiet = this.small && (trust.status === 'verified' || trust.status === 'checking');
    return html`<button type="button" class="badge ${trust.status}" data-testid="trust-${person.address}"
        data-status=${trust.status} data-code=${trust.code ?? nothing} aria-haspopup="dialog"
        aria-label=${text.trustOf(person.name, word)} title=${text.trustOf(person.name, word)}
        @click=${() => this.#show(true)}>
        ${looks[trust.status]}<span class=${quiet ? 'sr' : 'loud'}>${word}</span>
      </button>
      <dialog aria-labelledby="title" @close=${() => this.#show(false)} @click=${(event: Event) => event.stopPropagation()}>
        ${this.open ? this.#page(trust, person) : nothing}
      </dialog>`;
  }

  #page(trust: TrustView, person: Person) {
    const { title, lines, notes } = explainTrust(trust, person);
    return html`<div data-testid="trust-page">
      <header>
        <h2 id="title">${title}</h2>
        <button type="button" class="round" data-testid="trust-close" aria-label=${text.close} title=${text.close}
          @click=${() => this.renderRoot.querySelector('dialog')?.close()}>${icons.close}</button>
      </header>
      ${trust.status === 'verified' ? nothing : html`<p class="sentence">${trust.text}</p>`}
      <ol>
        ${lines.map(
          ({ passed, text: line, by }) => html`<li class=${passed === null ? '' : passed ? 'yes' : 'no'}>
            ${passed === null ? icons.remove : passed ? icons.check : icons.close}
            <div><span class="sr">${passed === null ? text.notChecked : passed ? text.holds : text.doesNotHold}: </span>${line}
              <p class="quiet">${by}</p></div>
          </li>`,
        )}
      </ol>
      ${notes.length > 0 ? html`<div class="notes">${notes.map((note) => html`<p>${note}</p>`)}</div>` : nothing}
    </div>`;
  }

  #show(open: boolean): void {
    this.open = open;
  }
}

define('parley-trust', ParleyTrust);
