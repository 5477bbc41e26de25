// Short notices that come and go: said once, politely, by screen readers, and shown for a few seconds.
import { css, html } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { define, ParleyElement } from './element.ts';
import { icons } from './icons.ts';
import { text } from './strings.ts';

export interface Toast {
  readonly kind: string;
  readonly sentence: string;
  /** Trouble stays longer and looks different. */
  readonly trouble?: boolean;
}

const SHOWN_MS = 6000;
const TROUBLE_MS = 15_000;
/** More than that at a time and the oldest goes. */
const MOST = 4;

export class ParleyToasts extends ParleyElement {
  static override properties = { shown: { state: true } };
  declare shown: readonly (Toast & { readonly id: number })[];
  #lastId = 0;
  readonly #timers = new Map<number, ReturnType<typeof setTimeout>>();

  static override styles = [
    ParleyElement.styles,
    css`
      :host {
        pointer-events: none;
      }
      .all {
        display: grid;
        justify-items: center;
        gap: 8px;
      }
      .toast {
        display: flex;
        align-items: center;
        gap: 6px;
        max-width: min(100%, 520px);
        padding: 3px 4px 3px 18px;
        border: 1px solid var(--line);
        border-radius: 24px;
        background: var(--raised);
        box-shadow: var(--shadow);
        font-size: 0.9375rem;
        font-weight: 500;
        overflow-wrap: anywhere;
        pointer-events: auto;
        animation: arrive 180ms ease-out;
      }
      .toast.trouble {
        border-color: transparent;
        background: var(--warning-soft);
        color: var(--warning-text);
      }
      .toast > span {
        padding: 7px 0;
      }
      .toast .round {
        color: inherit;
      }
      .toast .icon {
        width: 18px;
        height: 18px;
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
    this.shown = [];
  }

  show(toast: Toast): void {
    this.#lastId += 1;
    const id = this.#lastId;
    this.shown = [...this.shown, { ...toast, id }];
    for (const old of this.shown.slice(0, -MOST)) this.#remove(old.id);
    this.#timers.set(
      id,
      setTimeout(() => this.#remove(id), toast.trouble ? TROUBLE_MS : SHOWN_MS),
    );
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    for (const { id } of this.shown) this.#remove(id);
  }

  #remove(id: number): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
    this.shown = this.shown.filter((toast) => toast.id !== id);
  }

  override render() {
    return html`<div class="all" role="log" aria-live="polite" aria-label=${text.notices}>
      ${repeat(
        this.shown,
        ({ id }) => id,
        ({ id, kind, sentence, trouble }) => html`<div class="toast ${trouble ? 'trouble' : ''}">
          <span data-testid="notice" data-kind=${kind}>${sentence}</span>
          <button type="button" class="round" aria-label=${text.dismissNotice} title=${text.dismissNotice}
            @click=${() => this.#remove(id)}>${icons.close}</button>
        </div>`,
      )}
    </div>`;
  }
}

define('parley-toasts', ParleyToasts);
