// The tiles of a call: with three and more, one large and the others small (R62). Their elements stay the same, in the same
// order, over every change of path, size and place, so no picture restarts.
import type { Call, CallParticipant, CallView } from '@parley/client';
import type { Address } from '@parley/protocol';
import { css, html, nothing } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { arrange, largeOf } from './arrange.ts';
import { define, Follow, ParleyElement } from './element.ts';
import { text } from './strings.ts';
import './mix-tile.ts';
import './tile.ts';

/** How long a tile stays to say how an invitation ended, in milliseconds. */
const OUTCOME_MS = 5000;
const GAP = 12;

export class ParleyTiles extends ParleyElement {
  static override properties = { call: { attribute: false }, pinned: { state: true } };
  declare call: Call | null;
  /** Whose picture this person wants large, whoever speaks. */
  declare pinned: Address | null;
  readonly #view = new Follow(this, () => this.call?.view);
  /** Invitations that have ended: true once their tile has been taken away. */
  readonly #ended = new Map<Address, { gone: boolean; timer: ReturnType<typeof setTimeout> }>();
  /** As last observed: to ask for it after each change of the call makes the browser lay the page out at once, each time. */
  #size = { width: 0, height: 0 };
  readonly #resized = new ResizeObserver((entries) => {
    this.#size = entries.at(-1)?.contentRect ?? this.#size;
    this.#fit();
  });

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
      }
      li {
        position: absolute;
        inset: 0;
      }
      .many li {
        inset: auto;
        top: var(--y);
        left: var(--x);
        width: var(--width);
        height: var(--height);
      }
      .many li.small {
        --tile-radius: 14px;
      }
      parley-tile {
        width: 100%;
        height: 100%;
      }
      .pair li.self {
        z-index: 1;
        inset: auto;
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
    this.pinned = null;
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
    const items = [...this.renderRoot.querySelectorAll<HTMLElement>('.many > li')];
    const small = items.filter((item) => item.classList.contains('small'));
    const places = arrange(small.length, this.#size.width, this.#size.height, GAP);
    for (const item of items) {
      const box = places.small[small.indexOf(item)] ?? places.large;
      for (const side of ['x', 'y', 'width', 'height'] as const) item.style.setProperty(`--${side}`, `${box[side]}px`);
    }
  }

  override render() {
    const view = this.#view.value;
    if (!view) return nothing;
    if (view.mix) return this.#mixed(view);
    const shown = view.participants.filter((participant) => this.#isShown(participant));
    const pair = shown.length === 2 && shown[0]?.self;
    const many = shown.length > 2;
    // While nobody else has joined, the one who is being called.
    const large = largeOf(shown, view.speaker, this.pinned) ?? shown.find(({ self }) => !self)?.person.address;
    return html`<ul class=${many ? 'many' : pair ? 'pair' : nothing} aria-label=${text.people(shown.length)}>
      ${repeat(
        shown,
        ({ person }) => person.address,
        (participant) => {
          const { self, person, state } = participant;
          const small = many ? person.address !== large : pair && self;
          return html`<li class="${self ? 'self' : ''} ${small ? 'small' : ''}">
          <parley-tile .call=${this.call} .participant=${participant} ?small=${small}
            ?pinnable=${many && state === 'joined'} ?pinned=${many && person.address === this.pinned} @pin=${() => this.#pin(person.address)}
            ?cancellable=${this.#cancellable(view, participant)}></parley-tile></li>`;
        },
      )}
    </ul>`;
  }

  /** Everybody else is one picture, which is nobody's: no tiles of single people, but of those who are still rung. */
  #mixed(view: CallView) {
    const rung = view.participants.filter((p) => p.state !== 'joined' && this.#isShown(p));
    const self = view.participants.find((p) => p.self);
    const pair = rung.length === 0;
    return html`<ul class=${pair ? 'pair' : 'many'}>
      <li><parley-mix-tile .call=${this.call}></parley-mix-tile></li>
      ${repeat(
        self ? [...rung, self] : rung,
        ({ person }) => person.address,
        (participant) => html`<li class="${participant.self ? 'self' : ''} small">
          <parley-tile .call=${this.call} .participant=${participant} small
            ?cancellable=${this.#cancellable(view, participant)}></parley-tile></li>`,
      )}
    </ul>`;
  }

  #pin(address: Address): void {
    this.pinned = this.pinned === address ? null : address;
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
