// Above the tiles: with whom, for how long, and by which path the call runs.
import type { CallView } from '@parley/client';
import { css, html, nothing } from 'lit';
import { define, ParleyElement } from './element.ts';
import { clockDuration, clockText } from './format.ts';
import { icons } from './icons.ts';
import { text } from './strings.ts';

export class ParleyCallHeader extends ParleyElement {
  static override properties = { view: { attribute: false } };
  declare view: CallView | null;
  #ticking: ReturnType<typeof setInterval> | undefined;

  static override styles = [
    ParleyElement.styles,
    css`
      header {
        display: flex;
        align-items: center;
        gap: 12px;
        min-height: 44px;
      }
      h1 {
        flex: 1;
        min-width: 0;
        font-size: 1.0625rem;
        font-weight: 650;
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      .clock {
        color: var(--muted);
        font-size: 0.9375rem;
        font-variant-numeric: tabular-nums;
      }
      .sign {
        position: relative;
      }
      .path {
        display: inline-flex;
        align-items: center;
        gap: 7px;
        min-height: var(--touch);
        padding: 0 14px 0 11px;
        border-radius: 999px;
        background: var(--surface);
        color: var(--muted);
        font-size: 0.875rem;
        font-weight: 550;
        cursor: help;
      }
      .path .icon {
        width: 18px;
        height: 18px;
        color: var(--accent-text);
      }
      .moving .icon {
        animation: breathe 1.2s ease-in-out infinite alternate;
      }
      @keyframes breathe {
        to {
          opacity: 0.35;
        }
      }
      .tip {
        position: absolute;
        z-index: 3;
        inset-inline-end: 0;
        top: calc(100% + 8px);
        width: max-content;
        max-width: min(280px, 80vw);
        padding: 10px 14px;
        border-radius: var(--radius);
        background: var(--raised);
        box-shadow: var(--shadow-high);
        font-size: 0.875rem;
        visibility: hidden;
      }
      .sign:hover .tip,
      .path:focus + .tip {
        visibility: visible;
      }
      @media (max-width: 560px) {
        .moving-word {
          display: none;
        }
      }
    `,
  ];

  constructor() {
    super();
    this.view = null;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#ticking = setInterval(() => this.requestUpdate(), 500);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.#ticking);
  }

  override focus(): void {
    this.renderRoot.querySelector('h1')?.focus();
  }

  override render() {
    const { view } = this;
    if (!view) return nothing;
    const direct = view.path === 'direct';
    const word = direct ? text.direct : text.conference;
    return html`<header>
      <h1 tabindex="-1">${this.#title(view)}</h1>
      ${this.#clock(view)}
      <div class="sign">
        <button type="button" class="path ${view.transferring ? 'moving' : ''}" data-testid="path" data-path=${view.path}
          data-transferring=${view.transferring} aria-describedby="tip">
          ${direct ? icons.direct : icons.hub}
          <span>${word}<span class="moving-word">${view.transferring ? `, ${text.moving}` : ''}</span></span>
        </button>
        <div class="tip" role="tooltip" id="tip">
          ${direct ? text.directHint : text.conferenceHint}${view.transferring ? ` ${text.movingHint}` : ''}
        </div>
      </div>
    </header>`;
  }

  #title(view: CallView): string {
    if (view.title) return view.title;
    const others = view.participants.filter(({ self, state }) => !self && state !== 'left' && state !== 'ended');
    return text.callWith(others.map(({ person }) => person.name));
  }

  #clock({ answeredAt }: CallView) {
    if (answeredAt === null) return nothing;
    const length = Date.now() - answeredAt;
    return html`<time class="clock" role="timer" aria-label=${text.callLength} data-testid="clock"
      datetime=${clockDuration(length)}>${clockText(length)}</time>`;
  }
}

define('parley-call-header', ParleyCallHeader);
