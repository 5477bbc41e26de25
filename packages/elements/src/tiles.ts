// The tiles of a call. Their elements stay the same over every change of path and of size, so no picture restarts.
import type { Call, CallParticipant, CallView } from '@parley/client';
import type { Address } from '@parley/protocol';
import { css, html, nothing } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { define, Follow, ParleyElement } from './element.ts';
import { fitTiles } from './format.ts';
import { text } from './strings.ts';
import './tile.ts';

/** How long a tile stays to say how an invitation ended, in milliseconds. */
const OUTCOME_MS = 5000;
const GAP = 12;

export class ParleyTiles extends ParleyElement {
  static override properties = { call: { attribute: false } };
  declare call: Call | null;
  readonly #view = new Follow(this, () => this.call?.view);
  /** Invitations that have ended: true once their tile has been taken away. */
  readonly #ended = new Map<Address, { gone: boolean; timer: ReturnType<typeof setTimeout> }>();
  readonly #resized = new ResizeObserver(() => this.#fit());

  static override styles = [
    ParleyElement.styles,
    css`
      :host {
        position: relative;
        min-height: 0;
        min-width: 0;
      }
      ul {
        position: absolute;
        inset: 0;
        display: flex;
        flex-wrap: wrap;
        align-content: center;
        justify-content: center;
        gap: 12px;
        /* Each row holds no more than the columns found; the rest of the row is margin. */
        padding-inline: calc((100% - var(--row, 100%)) / 2 - 0.5px);
      }
      li {
        width: var(--width, 100%);
        height: var(--height, 100%);
      }
      parley-tile {
        width: 100%;
        height: 100%;
      }
      .pair {
        display: block;
        padding: 0;
      }
      .pair li {
        width: 100%;
        height: 100%;
      }
      .pair li.self {
        position: absolute;
        z-index: 1;
        inset-inline-end: 16px;
        bottom: 16px;
        width: clamp(104px, 17%, 232px);
        height: auto;
        aspect-ratio: 16 / 10;
        border-radius: 16px;
        box-shadow: 0 0 0 3px var(--canvas), var(--shadow);
      }
      .pair li.self parley-tile {
        --tile-radius: 16px;
      }
      @media (max-width: 560px) {
        .pair li.self {
          inset-inline-end: 12px;
          bottom: 12px;
          aspect-ratio: 3 / 4;
        }
      }
    `,
  ];

  constructor() {
    super();
    this.call = null;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#resized.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#resized.disconnect();
    for (const { timer } of this.#ended.values()) clearTimeout(timer);
    this.#ended.clear();
  }

  protected override updated(): void {
    this.#fit();
  }

  #fit(): void {
    const list = this.renderRoot.querySelector('ul');
    if (!list) return;
    const { columns, width, height } = fitTiles(list.children.length, this.clientWidth, this.clientHeight, GAP);
    list.style.setProperty('--width', `${width}px`);
    list.style.setProperty('--height', `${height}px`);
    list.style.setProperty('--row', `${columns * width + (columns - 1) * GAP}px`);
  }

  override render() {
    const view = this.#view.value;
    if (!view) return nothing;
    const shown = view.participants.filter((participant) => this.#isShown(participant));
    const pair = shown.length === 2 && shown[0]?.self;
    return html`<ul class=${pair ? 'pair' : 'grid'} aria-label=${text.people(shown.length)}>
      ${repeat(
        shown,
        ({ person }) => person.address,
        (participant) => html`<li class=${participant.self ? 'self' : nothing}>
          <parley-tile .call=${this.call} .participant=${participant} ?small=${pair && participant.self}
            ?cancellable=${this.#cancellable(view, participant)}></parley-tile></li>`,
      )}
    </ul>`;
  }

  #cancellable({ phase, participants }: CallView, { self }: CallParticipant): boolean {
    // While nobody else is there, "Cancel" on the bar does it.
    return !self && (phase !== 'calling' || participants.length > 2);
  }

  #isShown({ person, self, state }: CallParticipant): boolean {
    if (self) return true;
    if (state !== 'ended') {
      clearTimeout(this.#ended.get(person.address)?.timer);
      this.#ended.delete(person.address);
      return state !== 'left';
    }
    const known = this.#ended.get(person.address);
    if (known) return !known.gone;
    const entry = {
      gone: false,
      timer: setTimeout(() => {
        entry.gone = true;
        this.requestUpdate();
      }, OUTCOME_MS),
    };
    this.#ended.set(person.address, entry);
    return true;
  }
}

define('parley-tiles', ParleyTiles);
