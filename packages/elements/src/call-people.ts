// Who is in the call, and for its organiser: who waits, whose microphone is on, who has to go, and whether everybody has to
// prove who they are.
import type { Call, CallParticipant, CallView } from '@parley/client';
import { asParleyError, type Person } from '@parley/protocol';
import { css, html, nothing, type TemplateResult } from 'lit';
import './avatar.ts';
import { define, Follow, ParleyElement } from './element.ts';
import { icons } from './icons.ts';
import { countdown, text } from './strings.ts';
import { sheet } from './styles.ts';
import './trust.ts';

export class ParleyCallPeople extends ParleyElement {
  static override properties = { call: { attribute: false }, problem: { state: true }, open: { state: true } };
  declare call: Call | null;
  declare problem: string;
  /** What a closed window would hold is not there twice. */
  declare open: boolean;
  readonly #view = new Follow(this, () => this.call?.view);

  static override styles = [
    ParleyElement.styles,
    sheet,
    css`
      .inside {
        --surface: var(--raised);
        display: grid;
        gap: 16px;
        max-height: min(100dvh - 48px, 680px);
        padding: 20px;
        overflow: auto;
      }
      h3 {
        margin: 0 0 4px;
        color: var(--muted);
        font-size: 0.875rem;
        font-weight: 600;
      }
      ul {
        display: grid;
        gap: 4px;
      }
      li {
        display: grid;
        grid-template-columns: auto minmax(0, 1fr) auto;
        align-items: center;
        gap: 4px 12px;
        padding: 8px 0;
      }
      li + li {
        border-top: 1px solid var(--line);
      }
      parley-avatar {
        --avatar-size: 40px;
      }
      .who p {
        overflow-wrap: anywhere;
      }
      .name {
        font-weight: 600;
      }
      .tag {
        margin-inline-start: 6px;
        padding: 1px 8px;
        border-radius: 999px;
        background: var(--sunken);
        color: var(--muted);
        font-size: 0.75rem;
        font-weight: 600;
        white-space: nowrap;
      }
      .tag.guest {
        background: var(--warning-soft);
        color: var(--warning-text);
      }
      .due {
        color: var(--warning-text);
        font-size: 0.875rem;
      }
      .acts {
        grid-column: 2 / -1;
        display: flex;
        flex-wrap: wrap;
        gap: 8px;
      }
      .acts .button,
      .waits .button {
        min-height: var(--touch);
        padding: 4px 16px;
        font-size: 0.875rem;
      }
      .waits {
        display: flex;
        gap: 8px;
      }
      .acts .danger-word {
        color: var(--danger-text);
      }
      .raise {
        display: grid;
        gap: 8px;
        padding: 14px;
        border-radius: var(--radius);
        background: var(--sunken);
      }
      .raise .button {
        background: var(--surface);
      }
      @media (max-width: 420px) {
        .waits {
          grid-column: 2 / -1;
        }
      }
    `,
  ];
  #ticking: ReturnType<typeof setInterval> | undefined;

  constructor() {
    super();
    this.call = null;
    this.problem = '';
    this.open = false;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#ticking = setInterval(() => {
      if (this.#view.value?.trustRaisedBy && this.renderRoot.querySelector('dialog')?.open) this.requestUpdate();
    }, 500);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.#ticking);
  }

  show(): void {
    const dialog = this.renderRoot.querySelector('dialog');
    if (!dialog || dialog.open) return;
    this.problem = '';
    this.open = true;
    dialog.showModal();
  }

  override render() {
    const view = this.#view.value;
    if (!view) return nothing;
    return html`<dialog aria-labelledby="title" data-testid="people-dialog" @click=${this.#outside}
      @close=${this.#closed}>
      ${this.open ? this.#inside(view) : nothing}
    </dialog>`;
  }

  #inside(view: CallView): TemplateResult {
    const here = view.participants.filter(({ state }) => state !== 'left' && state !== 'ended');
    return html`<div class="inside">
        <header>
          <h2 id="title">${text.peopleInCall}</h2>
          <button type="button" class="round" aria-label=${text.close} title=${text.close} data-testid="people-close"
            @click=${this.#close}>${icons.close}</button>
        </header>
        ${this.problem ? html`<p class="problem" role="alert">${icons.warning}<span>${this.problem}</span></p>` : nothing}
        ${this.#lobby(view)}
        <ul aria-label=${text.peopleInCall}>${here.map((participant) => this.#row(participant, view))}</ul>
        ${this.#trust(view)}
      </div>`;
  }

  #lobby({ lobby, may }: CallView) {
    if (lobby.length === 0 || !may.organise) return nothing;
    return html`<section aria-labelledby="waiting"><h3 id="waiting">${text.waitingPeople}</h3>
      <ul>${lobby.map(
        (person) => html`<li>${face(person)}<div class="who">${named(person)}</div>
          <span class="waits">
            <button type="button" class="button" aria-label=${text.refuseThis(person.name)}
              @click=${() => this.#do(this.call?.turnAway(person.address))}>${text.refuse}</button>
            <button type="button" class="button primary" aria-label=${text.admitThis(person.name)}
              @click=${() => this.#do(this.call?.admit(person.address))}>${text.admit}</button></span></li>`,
      )}</ul></section>`;
  }

  #row(participant: CallParticipant, { organiser, may }: CallView): TemplateResult {
    const { person, self, state, trust, mutedBy, identifyBy } = participant;
    const late = !self && identifyBy !== null && trust.status !== 'verified';
    return html`<li data-testid="person-${person.address}">
      ${face(person)}
      <div class="who">
        <p><span class="name">${person.name}</span>${self ? html`<span class="tag">${text.you}</span>` : nothing}${
          organiser === person.address ? html`<span class="tag">${text.organiser}</span>` : nothing
        }</p>
        <p class="quiet">${person.guest ? text.guest : person.company}${mutedBy ? ` · ${text.mutedByWho(mutedBy.name)}` : ''}</p>
        ${late ? html`<p class="due">${text.leavesIn(countdown(identifyBy, Date.now()))}</p>` : nothing}
      </div>
      ${
        !self && state === 'joined'
          ? html`<parley-trust small .trust=${trust} .person=${person}></parley-trust>`
          : html`<span></span>`
      }
      ${may.organise && !self ? this.#acts(participant) : nothing}
    </li>`;
  }

  #acts({ person, state, microphone, unmuteAskedBy }: CallParticipant): TemplateResult {
    const { address, name } = person;
    const joined = state === 'joined';
    return html`<div class="acts">
      ${
        joined && microphone
          ? html`<button type="button" class="button" data-testid="mute-${address}" aria-label=${text.muteThis(name)}
              @click=${() => this.#do(this.call?.mute(address))}>${text.muteWord}</button>`
          : nothing
      }
      ${
        joined && !microphone
          ? html`<button type="button" class="button" data-testid="ask-unmute-${address}" ?disabled=${unmuteAskedBy !== null}
              aria-label=${text.askUnmuteThis(name, unmuteAskedBy !== null)} @click=${() => this.#do(this.call?.askToUnmute(address))}>
              ${unmuteAskedBy ? text.unmuteAsked : text.askUnmute}</button>`
          : nothing
      }
      <button type="button" class="button danger-word" data-testid="remove-${address}" aria-label=${text.removeThis(name)}
        @click=${() => this.#do(this.call?.remove(address))}>${text.removeWord}</button>
    </div>`;
  }

  #trust({ may, trustRaisedBy }: CallView) {
    if (trustRaisedBy) return html`<p class="raise" data-testid="trust-raised">${text.trustRaised}</p>`;
    if (!may.organise) return nothing;
    return html`<div class="raise"><button type="button" class="button" data-testid="raise-trust"
        @click=${() => this.#do(this.call?.raiseTrust())}>${icons.shield}${text.raiseTrust}</button>
      <p class="quiet">${text.raiseTrustHint}</p></div>`;
  }

  readonly #close = () => {
    this.renderRoot.querySelector('dialog')?.close();
  };

  readonly #closed = () => {
    this.open = false;
  };

  readonly #outside = (event: Event) => {
    if (event.target === event.currentTarget) this.#close();
  };

  async #do(asked: Promise<unknown> | undefined): Promise<void> {
    this.problem = '';
    try {
      await asked;
    } catch (error) {
      this.problem = asParleyError(error).message;
    }
  }
}

const face = ({ name, address }: Person) => html`<parley-avatar .name=${name} .address=${address}></parley-avatar>`;
const named = ({ name, guest }: Person) =>
  html`<span class="name">${name}</span>${guest ? html`<span class="tag guest">${text.guest}</span>` : nothing}`;

define('parley-call-people', ParleyCallPeople);
