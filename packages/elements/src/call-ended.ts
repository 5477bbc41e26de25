// After a call: why it is over, in words, and what to do next.
import type { CallView } from '@parley/client';
import type { Person } from '@parley/protocol';
import { css, html, nothing, type PropertyValues } from 'lit';
import './avatar.ts';
import { define, ParleyElement } from './element.ts';
import { emit } from './events.ts';
import { clockText } from './format.ts';
import { icons } from './icons.ts';
import { endedText, invitationEnded, listOfNames, text } from './strings.ts';

export class ParleyCallEnded extends ParleyElement {
  static override properties = { view: { attribute: false }, endedAt: { attribute: false }, guest: { type: Boolean } };
  declare view: CallView | null;
  /** Milliseconds since 1970 (own clock) when the end was noticed. */
  declare endedAt: number;
  /** A guest has nowhere to go back to. */
  declare guest: boolean;

  static override styles = [
    ParleyElement.styles,
    css`
      :host {
        display: grid;
        place-items: center;
        padding: 24px 20px;
        text-align: center;
      }
      .inside {
        display: grid;
        justify-items: center;
        gap: 10px;
        width: min(100%, 440px);
      }
      .faces {
        --avatar-size: 72px;
        display: flex;
        justify-content: center;
        margin-bottom: 14px;
      }
      .faces parley-avatar {
        border-radius: 50%;
        box-shadow: 0 0 0 4px var(--canvas);
      }
      .faces parley-avatar + parley-avatar {
        margin-inline-start: -14px;
      }
      h1 {
        font-size: 1.5rem;
        line-height: 1.25;
        font-weight: 700;
        letter-spacing: -0.015em;
        overflow-wrap: anywhere;
        text-wrap: balance;
      }
      .detail {
        color: var(--muted);
        overflow-wrap: anywhere;
        text-wrap: balance;
      }
      .buttons {
        display: flex;
        flex-wrap: wrap;
        justify-content: center;
        gap: 10px;
        margin-top: 22px;
      }
    `,
  ];

  constructor() {
    super();
    this.view = null;
    this.endedAt = 0;
    this.guest = false;
  }

  protected override firstUpdated(changed: PropertyValues): void {
    super.firstUpdated(changed);
    this.renderRoot.querySelector('h1')?.focus();
  }

  override render() {
    const { view } = this;
    if (!view?.ended) return nothing;
    const { ended } = view;
    const others = view.participants.filter(({ self }) => !self);
    const [only] = others;
    const several = ended.reason === 'not-answered' && others.length > 1;
    const { title, detail } = several
      ? {
          title: text.nobodyAnswered,
          detail: `${listOfNames(others.map((p) => invitationEnded(p.person.name, p.outcome)))}.`,
        }
      : endedText(
          ended,
          others.map(({ person }) => person),
        );
    const lasted = view.answeredAt === null ? '' : text.lasted(clockText(this.endedAt - view.answeredAt));
    const again = others.length === 1 && only && canCallAgain(ended) ? only.person : null;
    return html`<div class="inside" data-testid="call-ended" data-reason=${ended.reason}
      data-outcome=${ended.outcome ?? nothing}>
      <div class="faces">${others
        .slice(0, 5)
        .map(
          ({ person }) => html`<parley-avatar .name=${person.name} .address=${person.address}></parley-avatar>`,
        )}</div>
      <h1 tabindex="-1">${title}</h1>
      <p class="detail">${detail} ${lasted}</p>
      ${this.guest ? html`<p class="detail">${text.closeWindow}</p>` : this.#buttons(again)}
    </div>`;
  }

  #buttons(again: Person | null) {
    return html`<div class="buttons">
        ${
          again
            ? html`<button type="button" class="button" data-testid="call-again"
                @click=${() => emit(this, 'parley-call', { address: again.address, conference: false })}>
                ${icons.call}${text.callAgain}</button>`
            : nothing
        }
        <button type="button" class="button primary" data-testid="call-ended-close"
          @click=${() => emit(this, 'parley-dismiss', null)}>${text.backToContacts}</button>
      </div>`;
  }
}

/** Where another try could end differently. */
function canCallAgain({ reason, outcome }: NonNullable<CallView['ended']>): boolean {
  return reason !== 'not-answered' || !(outcome === 'unknown-address' || outcome === 'refused');
}

define('parley-call-ended', ParleyCallEnded);
