// The presence a person chooses. A native list, so that phones show their own and keyboards work as everywhere.
import type { Session } from '@parley/client';
import type { Presence } from '@parley/protocol';
import { css, html, nothing } from 'lit';
import { define, Follow, ParleyElement } from './element.ts';
import { emit } from './events.ts';
import { icons } from './icons.ts';
import { presenceText, text } from './strings.ts';

const choices: readonly Presence[] = ['available', 'away', 'busy', 'do-not-disturb'];

export class ParleyPresenceMenu extends ParleyElement {
  static override properties = { session: { attribute: false } };
  declare session: Session | null;
  readonly #presence = new Follow(this, () => this.session?.presence);

  static override styles = [
    ParleyElement.styles,
    css`
      :host {
        position: relative;
        color: var(--muted);
      }
      select {
        appearance: none;
        min-height: var(--touch);
        max-width: 100%;
        padding: 0 34px 0 14px;
        border: 1px solid var(--line);
        border-radius: 999px;
        background: var(--surface);
        color: var(--text);
        font: inherit;
        font-size: 0.875rem;
        font-weight: 550;
        text-overflow: ellipsis;
        cursor: pointer;
      }
      option {
        background: var(--raised);
        color: var(--text);
      }
      .icon {
        position: absolute;
        inset-inline-end: 10px;
        top: 50%;
        width: 18px;
        height: 18px;
        translate: 0 -50%;
        pointer-events: none;
      }
    `,
  ];

  constructor() {
    super();
    this.session = null;
  }

  override render() {
    const present = this.#presence.value;
    if (!present) return nothing;
    // `in-a-call` and `offline` are found out by the node; nobody chooses them.
    const derived = choices.includes(present)
      ? nothing
      : html`<option .value=${present} selected disabled>${presenceText[present]}</option>`;
    return html`<select data-testid="my-presence" data-presence=${present} aria-label=${text.yourPresence}
        .value=${present} @change=${this.#choose}>
        ${derived}
        ${choices.map(
          (choice) => html`<option .value=${choice} ?selected=${choice === present}>${presenceText[choice]}</option>`,
        )}
      </select>
      ${icons.chevron}`;
  }

  readonly #choose = async (event: Event) => {
    const select = event.target as HTMLSelectElement;
    const chosen = choices.find((choice) => choice === select.value);
    if (!chosen) return;
    try {
      await this.session?.setPresence(chosen);
    } catch (error) {
      const present = this.#presence.value;
      if (present) select.value = present;
      emit(this, 'parley-problem', { error });
    }
  };
}

define('parley-presence-menu', ParleyPresenceMenu);
