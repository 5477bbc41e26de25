// One person in a list: who, whether they can be reached, and what can be done: call, add to the call, or remove from
// the contacts.
import type { Contact } from '@parley/protocol';
import { css, html, nothing, type TemplateResult } from 'lit';
import './avatar.ts';
import { define, ParleyElement } from './element.ts';
import { emit } from './events.ts';
import { icons } from './icons.ts';
import { presenceText, text } from './strings.ts';

/** `call`: can be called. `add`: can be added to the call. `edit`: can be removed. `none`: is only shown. */
export type RowMode = 'call' | 'add' | 'edit' | 'none';

export class ParleyPersonRow extends ParleyElement {
  static override properties = {
    contact: { attribute: false },
    mode: {},
    savable: { type: Boolean },
    found: { type: Boolean },
    note: {},
  };
  declare contact: Contact | null;
  declare mode: RowMode;
  /** Not among the contacts yet, and may be put there. */
  declare savable: boolean;
  /** Found by a search, so it stands under no company: with the whole address. */
  declare found: boolean;
  /** Shown instead of presence and controls, such as "In the call". */
  declare note: string;

  static override styles = [
    ParleyElement.styles,
    css`
      .row {
        display: flex;
        align-items: center;
        gap: 12px;
        min-height: 64px;
        padding: 8px 10px;
        border-radius: var(--radius);
      }
      .row:hover {
        background: color-mix(in oklab, var(--sunken) 55%, transparent);
      }
      .who {
        flex: 1;
        min-width: 0;
      }
      .name {
        font-weight: 600;
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      .state {
        color: var(--muted);
        font-size: 0.8125rem;
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      .controls {
        display: flex;
        gap: 4px;
      }
    `,
  ];

  constructor() {
    super();
    this.contact = null;
    this.mode = 'call';
    this.savable = false;
    this.found = false;
    this.note = '';
  }

  override render() {
    const { contact } = this;
    if (!contact) return nothing;
    const { person, presence } = contact;
    return html`<div class="row">
      <parley-avatar .name=${person.name} .address=${person.address} .presence=${presence}></parley-avatar>
      <div class="who">
        <p class="name">${person.name}</p>
        <p class="state" title=${person.address}><span data-presence=${presence}>${this.note || presenceText[presence]}</span>
          · ${this.found ? person.address : person.address.slice(0, person.address.lastIndexOf('@'))}</p>
      </div>
      <div class="controls">${this.note ? nothing : this.#controls(contact)}</div>
    </div>`;
  }

  #controls({ person: { address, name } }: Contact): TemplateResult | typeof nothing {
    switch (this.mode) {
      case 'call':
        return html`${
          this.savable
            ? this.#button(`save-${address}`, text.saveContact(name), icons.bookmark, '', () =>
                emit(this, 'parley-save-contact', { address }),
              )
            : nothing
        }
        ${this.#button(`conference-${address}`, text.callByConference(name), icons.conference, '', () =>
          emit(this, 'parley-call', { address, conference: true }),
        )}
        ${this.#button(`call-${address}`, text.call(name), icons.call, 'accent', () =>
          emit(this, 'parley-call', { address, conference: false }),
        )}`;
      case 'add':
        return this.#button(`add-${address}`, text.addThis(name), icons.addPerson, 'accent', () =>
          emit(this, 'parley-add', { address }),
        );
      case 'edit':
        return this.#button(`remove-${address}`, text.removeContact(name), icons.remove, '', () =>
          emit(this, 'parley-remove-contact', { address }),
        );
      case 'none':
        return nothing;
    }
  }

  #button(testId: string, label: string, icon: TemplateResult, look: string, click: () => void): TemplateResult {
    return html`<button type="button" class="round ${look}" data-testid=${testId} aria-label=${label} title=${label}
      @click=${click}>${icon}</button>`;
  }
}

define('parley-person-row', ParleyPersonRow);
