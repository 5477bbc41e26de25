// The window in which somebody is chosen to be added to the running call.
import type { Call, Session } from '@parley/client';
import { type Address, asParleyError } from '@parley/protocol';
import { css, html, nothing } from 'lit';
import { define, Follow, ParleyElement } from './element.ts';
import type { ParleyEvents } from './events.ts';
import './guest-links.ts';
import { icons } from './icons.ts';
import './people.ts';
import type { ParleyPeople } from './people.ts';
import { text } from './strings.ts';
import { sheet } from './styles.ts';

export class ParleyAddPerson extends ParleyElement {
  static override properties = {
    session: { attribute: false },
    call: { attribute: false },
    problem: { state: true },
  };
  declare session: Session | null;
  declare call: Call | null;
  declare problem: string;
  readonly #view = new Follow(this, () => this.call?.view);

  static override styles = [
    ParleyElement.styles,
    sheet,
    css`
      dialog {
        height: min(100dvh - 48px, 640px);
      }
      @media (max-width: 560px) {
        dialog {
          height: min(100dvh - 32px, 640px);
        }
      }
      .inside {
        --surface: var(--raised);
        display: flex;
        flex-direction: column;
        height: 100%;
        padding: 20px 20px 0;
        overflow: auto;
      }
      dialog header {
        margin-bottom: 16px;
      }
      parley-people {
        flex: 1;
        min-height: 220px;
      }
      parley-guest-links {
        flex: none;
        margin-bottom: 14px;
      }
      .problem {
        margin-bottom: 12px;
      }
    `,
  ];

  constructor() {
    super();
    this.session = null;
    this.call = null;
    this.problem = '';
    this.addEventListener('parley-add', (event) => {
      event.stopPropagation();
      void this.#add((event as CustomEvent<ParleyEvents['parley-add']>).detail.address);
    });
  }

  get open(): boolean {
    return this.renderRoot.querySelector('dialog')?.open ?? false;
  }

  show(): void {
    const dialog = this.renderRoot.querySelector('dialog');
    if (!dialog || dialog.open) return;
    this.problem = '';
    this.#people?.clear();
    dialog.showModal();
    this.#people?.focus();
  }

  get #people(): ParleyPeople | null {
    return this.renderRoot.querySelector<ParleyPeople>('parley-people');
  }

  override render() {
    const notes = new Map<string, string>();
    for (const { person, state } of this.#view.value?.participants ?? []) {
      if (state === 'joined') notes.set(person.address, text.inCall);
      else if (state === 'invited' || state === 'alerting') notes.set(person.address, text.ringing);
    }
    const problem = this.problem || this.#view.value?.cannotAdd?.message;
    return html`<dialog aria-labelledby="title" data-testid="add-dialog" @click=${this.#outside}>
      <div class="inside">
        <header>
          <div><h2 id="title">${text.addPerson}</h2><p class="quiet">${text.addHint}</p></div>
          <button type="button" class="round" aria-label=${text.close} title=${text.close} data-testid="add-close"
            @click=${this.#close}>${icons.close}</button>
        </header>
        ${problem ? html`<p class="problem" role="alert" data-testid="add-problem">${icons.warning}<span>${problem}</span></p>` : nothing}
        <parley-guest-links .call=${this.call}></parley-guest-links>
        <parley-people mode="add" .session=${this.session} .notes=${notes}></parley-people>
      </div>
    </dialog>`;
  }

  readonly #close = () => {
    this.renderRoot.querySelector('dialog')?.close();
  };

  // A click on what lies behind the window closes it; it arrives at the dialog itself.
  readonly #outside = (event: Event) => {
    if (event.target === event.currentTarget) this.#close();
  };

  async #add(address: Address): Promise<void> {
    this.problem = '';
    try {
      await this.call?.add(address);
      this.#close();
    } catch (error) {
      this.problem = asParleyError(error).message;
    }
  }
}

define('parley-add-person', ParleyAddPerson);
