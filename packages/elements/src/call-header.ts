// Above the tiles: with whom, for how long, and by which path the call runs.
import type { CallView } from '@parley/client';
import { css, html, nothing, type PropertyValues } from 'lit';
import { define, ParleyElement } from './element.ts';
import { clockDuration, clockText } from './format.ts';
import { icons } from './icons.ts';
import { text } from './strings.ts';

export class ParleyCallHeader extends ParleyElement {
  static override properties = { view: { attribute: false } };
  declare view: CallView | null;
  #ticking: ReturnType<typeof setTimeout> | undefined;
  #moved = false;

  static override styles = [
    ParleyElement.styles,
    css`
      header {
        display: flex;
        align-items: center;
        gap: 10px;
        min-height: 46px;
      }
      .what {
        flex: 1;
        min-width: 0;
      }
      h1 {
        font-size: 1.0625rem;
        font-weight: 650;
        line-height: 1.35;
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      .below {
        display: flex;
        gap: 4px;
        color: var(--muted);
        font-size: 0.875rem;
        line-height: 1.35;
        font-variant-numeric: tabular-nums;
      }
      .sign {
        position: relative;
      }
      .path {
        display: inline-flex;
        align-items: center;
        gap: 7px;
        min-width: var(--touch);
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
      .people {
        cursor: pointer;
        font-variant-numeric: tabular-nums;
      }
      /* All words take the same place, so that nothing moves when another one is shown. */
      .words {
        display: grid;
        justify-items: center;
      }
      .words span {
        grid-area: 1 / 1;
        visibility: hidden;
      }
      .words .shown {
        visibility: visible;
      }
      /* In steps: this runs while two paths are open, when the processor has most to do. */
      .moving .icon {
        animation: breathe 1.2s steps(12) infinite alternate;
      }
      @keyframes breathe {
        to {
          opacity: 0.35;
        }
      }
      /* Points out for some seconds that the path is another one now. */
      .moved {
        position: relative;
        isolation: isolate;
      }
      .moved::before {
        content: '';
        position: absolute;
        inset: 0;
        z-index: -1;
        border-radius: inherit;
        background: var(--accent-soft);
        opacity: 0;
        animation: settle 5s ease-out;
      }
      @keyframes settle {
        5%,
        70% {
          opacity: 1;
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
      .narrow {
        display: none;
      }
      @media (max-width: 560px) {
        header {
          gap: 8px;
        }
        /* There is no room on the sign: the word stands below the title. */
        .narrow {
          display: inline;
        }
        .wide {
          display: none;
        }
        .sign .path {
          justify-content: center;
          padding: 0 12px;
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
    this.#tick();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.#ticking);
  }

  /** Once for each second that is shown, and no more: a call has better use for the processor. */
  #tick(): void {
    const length = this.view?.answeredAt == null ? 0 : Date.now() - this.view.answeredAt;
    this.#ticking = setTimeout(
      () => {
        this.requestUpdate();
        this.#tick();
      },
      1000 - (((length % 1000) + 1000) % 1000),
    );
  }

  override focus(): void {
    this.renderRoot.querySelector('h1')?.focus();
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    const before = changed.get('view');
    if (!before || !this.view) return;
    if (this.view.transferring) this.#moved = false;
    else if (before.transferring && before.path !== this.view.path) this.#moved = true;
  }

  override render() {
    const { view } = this;
    if (!view) return nothing;
    const { path, transferring } = view;
    const count = view.participants.filter(({ state }) => state === 'joined').length;
    const direct = path === 'direct';
    const word = direct ? text.direct : text.conference;
    const look = transferring ? 'moving' : this.#moved ? 'moved' : '';
    const shown = transferring ? text.moving : word;
    return html`<header>
      <div class="what">
        <h1 tabindex="-1">${this.#title(view)}</h1>
        <p class="below">${this.#clock(view)}<span class="narrow" aria-hidden="true">· ${shown}</span></p>
      </div>
      <button type="button" class="path people" data-testid="people" aria-haspopup="dialog"
        aria-label=${text.peopleInCallCount(count)} title=${text.peopleInCall}
        @click=${() => this.dispatchEvent(new CustomEvent('people'))}>${icons.conference}<span>${count}</span></button>
      <div class="sign">
        <button type="button" class="path ${look}" data-testid="path" data-path=${path}
          data-transferring=${transferring} aria-label=${transferring ? `${word}, ${text.moving}` : word} aria-describedby="tip">
          ${direct ? icons.direct : icons.hub}
          <span class="wide words">${[text.direct, text.conference, text.moving].map(
            (each) => html`<span class=${each === shown ? 'shown' : nothing}>${each}</span>`,
          )}</span>
        </button>
        <div class="tip" role="tooltip" id="tip">
          ${direct ? text.directHint : text.conferenceHint}${transferring ? ` ${text.movingHint}` : ''}
        </div>
      </div>
      <slot></slot>
    </header>`;
  }

  #title(view: CallView): string {
    if (view.title) return view.title;
    const others = view.participants.filter(({ self, state }) => !self && state !== 'left' && state !== 'ended');
    return text.callWith(others.map(({ person }) => person.name));
  }

  #clock({ answeredAt, phase }: CallView) {
    if (answeredAt === null) return html`<span>${phase === 'calling' ? text.callingNow : text.connecting}</span>`;
    const length = Date.now() - answeredAt;
    return html`<time role="timer" aria-label=${text.callLength} data-testid="clock"
      datetime=${clockDuration(length)}>${clockText(length)}</time>`;
  }
}

define('parley-call-header', ParleyCallHeader);
