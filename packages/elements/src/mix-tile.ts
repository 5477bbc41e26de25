// Everybody else of a conference in one picture, as the conference service puts it together. It is no person's tile: it
// carries the names of all who are in it, and nobody's badge.
import type { Call } from '@parley/client';
import { css, html, nothing } from 'lit';
import { define, Follow, Lent, ParleyElement } from './element.ts';
import { icons } from './icons.ts';
import { recordingText } from './recording-strings.ts';
import { listOfNames, text } from './strings.ts';
import { nameplate } from './styles.ts';

export class ParleyMixTile extends ParleyElement {
  static override properties = { call: { attribute: false } };
  declare call: Call | null;
  readonly #view = new Follow(this, () => this.call?.view);

  static override styles = [
    ParleyElement.styles,
    nameplate,
    css`
      :host {
        width: 100%;
        height: 100%;
      }
      .tile {
        position: relative;
        display: grid;
        place-items: center;
        height: 100%;
        overflow: hidden;
        border-radius: 20px;
        background: var(--sunken);
      }
      .picture {
        position: absolute;
        inset: 0;
        isolation: isolate;
      }
      .picture.off {
        opacity: 0;
      }
      /* Nobody at its edge is cut off. */
      .picture video {
        width: 100%;
        height: 100%;
        object-fit: contain;
      }
      .standing {
        color: var(--muted);
        font-weight: 600;
      }
    `,
  ];

  constructor() {
    super();
    this.call = null;
    new Lent(this, '.picture', (container) => this.call?.showMix(container) ?? null);
  }

  override render() {
    const view = this.#view.value;
    if (!view?.mix) return nothing;
    const names = view.participants.filter((p) => !p.self && p.state === 'joined').map(({ person }) => person.name);
    const label = `${recordingText.mixTile}: ${listOfNames(names)}`;
    return html`<div class="tile" role="group" aria-label=${label} data-testid="tile-mix" data-flowing=${view.mix.flowing}>
      <p class="standing" ?hidden=${view.mix.video}>${view.mix.flowing ? listOfNames(names) : text.connecting}</p>
      <div class="picture ${view.mix.video ? '' : 'off'}"></div>
      <p class="name" title=${label}>${icons.mixed}<span>${listOfNames(names)}</span></p>
    </div>`;
  }
}

define('parley-mix-tile', ParleyMixTile);
