// One person in a call: the picture, or initials while there is none; the name; whether the microphone is off; and
// while the person is being rung, how that stands.
import type { Call, CallParticipant } from '@parley/client';
import { css, html, nothing } from 'lit';
import './avatar.ts';
import { define, Follow, Lent, ParleyElement } from './element.ts';
import { tintOf } from './format.ts';
import { icons } from './icons.ts';
import { outcomeText, text } from './strings.ts';
import { nameplate, tints } from './styles.ts';
import './trust.ts';

export class ParleyTile extends ParleyElement {
  static override properties = {
    call: { attribute: false },
    participant: { attribute: false },
    small: { type: Boolean, reflect: true },
    cancellable: { type: Boolean },
    pinnable: { type: Boolean, reflect: true },
    pinned: { type: Boolean },
  };
  declare call: Call | null;
  declare participant: CallParticipant | null;
  /** One of the small ones, or the self view beside one other person. */
  declare small: boolean;
  /** Shows a control that withdraws the invitation. */
  declare cancellable: boolean;
  /** Can be made the large one, or left to whoever speaks again: a `pin` event. */
  declare pinnable: boolean;
  declare pinned: boolean;
  readonly #sharing = new Follow(this, () => (this.participant?.self ? this.call?.sharing : null));
  readonly #localVideo = new Follow(this, () => (this.participant?.self ? this.call?.localVideo : null));

  static override styles = [
    ParleyElement.styles,
    tints,
    nameplate,
    css`
      .tile {
        position: relative;
        display: grid;
        place-items: center;
        width: 100%;
        height: 100%;
        overflow: hidden;
        border-radius: var(--tile-radius, 20px);
        background: linear-gradient(160deg, var(--tint), color-mix(in oklab, var(--tint) 72%, var(--surface)));
        container-type: size;
      }
      .picture {
        position: absolute;
        inset: 0;
        /* Pictures that fade over each other must not cover what stands on them. */
        isolation: isolate;
      }
      /* Not taken out of the layout: a picture that is about to come must be able to present its first frame. */
      .picture.off {
        opacity: 0;
      }
      video {
        display: block;
        width: 100%;
        height: 100%;
        object-fit: cover;
      }
      video.mirror {
        scale: -1 1;
      }
      /* Nothing of a screen may be cut off. */
      .screen video {
        object-fit: contain;
      }
      .screen {
        background: #10171c;
      }
      .speaking::after {
        content: '';
        position: absolute;
        inset: 0;
        border-radius: inherit;
        box-shadow: inset 0 0 0 3px var(--available);
        pointer-events: none;
      }
      .standing {
        display: grid;
        justify-items: center;
        gap: 14px;
        padding: 12px;
        text-align: center;
      }
      parley-avatar {
        --avatar-size: clamp(44px, 30cqmin, 128px);
        border-radius: 50%;
        box-shadow: 0 0 0 4px color-mix(in oklab, var(--surface) 55%, transparent);
      }
      .state {
        color: var(--ink);
        font-weight: 600;
      }
      .ringing parley-avatar {
        isolation: isolate;
      }
      /* Moved by the compositor: a growing shadow would be painted anew for every frame, while the call connects. In steps:
         where a processor paints, sixty times a second cost more than half of what the call's picture costs. */
      .ringing parley-avatar::after {
        content: '';
        position: absolute;
        inset: 0;
        border-radius: 50%;
        background: var(--ink);
        opacity: 0;
        z-index: -1;
        animation: pulse 1.8s steps(27) infinite;
      }
      @keyframes pulse {
        from {
          transform: scale(1);
          opacity: 0.4;
        }
        to {
          transform: scale(1.5);
          opacity: 0;
        }
      }
      .trust {
        position: absolute;
        inset-inline-start: 8px;
        top: 8px;
      }
      .corner {
        position: absolute;
        inset-inline-end: 6px;
        top: 6px;
        display: flex;
        gap: 6px;
      }
      .name .off {
        color: #ffb4b8;
      }
      .withdraw {
        background: color-mix(in oklab, var(--surface) 72%, transparent);
        color: var(--ink);
      }
      .pin {
        background: rgb(10 18 24 / 62%);
        color: #ffffff;
        opacity: 0;
        transition: opacity 120ms;
      }
      .pin:hover:not(:disabled) {
        background: rgb(10 18 24 / 82%);
        color: #ffffff;
      }
      .pin[aria-pressed='true'] {
        background: var(--accent);
        color: var(--on-accent);
      }
      .tile:hover .pin,
      .pin:focus-visible,
      .pin[aria-pressed='true'] {
        opacity: 1;
      }
      :host([pinnable]) .tile {
        cursor: pointer;
      }
      :host([small]) .name {
        inset-inline-start: 6px;
        bottom: 6px;
        padding: 2px 9px;
        font-size: 0.8125rem;
      }
      :host([small]) .state {
        font-size: 0.8125rem;
      }
      @container (max-height: 150px) {
        .standing {
          gap: 4px;
          padding-bottom: 30px;
        }
      }
      @container (max-width: 130px) {
        .trust {
          inset-inline-start: 4px;
          top: 4px;
        }
        .badged .standing {
          padding-inline: 38px 4px;
        }
        .ringing .standing {
          padding-inline: 4px 48px;
        }
        .state {
          white-space: nowrap;
          letter-spacing: -0.02em;
        }
        .name {
          padding: 1px 8px;
        }
      }
      /* There is no room for both: the words say more. */
      @container (max-height: 110px) {
        parley-avatar {
          --avatar-size: clamp(32px, 40cqh, 44px);
        }
        .standing:has(.state) parley-avatar {
          display: none;
        }
      }
    `,
  ];

  constructor() {
    super();
    this.call = null;
    this.participant = null;
    this.small = false;
    this.cancellable = false;
    this.pinnable = false;
    this.pinned = false;
    // The SDK keeps the picture in the container over every change of path.
    new Lent(this, '.picture', (container) => {
      const { call, participant } = this;
      return call && participant && !participant.self ? call.showVideo(participant.person.address, container) : null;
    });
  }

  override render() {
    const { participant } = this;
    if (!participant) return nothing;
    const { person, self, state, microphone, flowing } = participant;
    const ringing = state === 'invited' || state === 'alerting';
    const own = self ? (this.#localVideo.value ?? null) : null;
    const picture = self ? own !== null : participant.video;
    const standing = this.#standing(participant);
    const name = self ? text.you : person.guest ? text.guestName(person.name) : person.name;
    const words = participant.screen ? text.screenOf(name) : name;
    const silent = state === 'joined' && !microphone;
    const silence = participant.mutedBy ? text.mutedByWho(participant.mutedBy.name) : text.muted;
    const badged = !self && state === 'joined';
    const look = [
      ringing ? 'ringing' : state,
      participant.screen ? 'screen' : '',
      participant.speaking ? 'speaking' : '',
      badged ? 'badged' : '',
    ];
    return html`<div class="tile ${look.join(' ')}" role="group" data-tint=${tintOf(person.address)}
      @click=${this.#clicked} aria-label=${[words, standing, silent ? silence : ''].filter(Boolean).join(', ')}
      data-testid="tile-${person.address}" data-state=${state} data-flowing=${flowing}
      data-outcome=${participant.outcome ?? nothing} data-microphone=${microphone} data-camera=${participant.camera}
      data-muted-by=${participant.mutedBy?.address ?? nothing}
      data-screen=${participant.screen} data-speaking=${participant.speaking} data-size=${this.small ? 'small' : 'large'}>
      <div class="standing" ?hidden=${picture}>
        <parley-avatar strong .name=${person.name} .address=${person.address}></parley-avatar>
        ${standing ? html`<p class="state">${standing}</p>` : nothing}
      </div>
      <div class="picture ${picture ? '' : 'off'}">
        ${self ? html`<video class=${this.#sharing.value ? '' : 'mirror'} autoplay playsinline .muted=${true} .srcObject=${own}></video>` : nothing}
      </div>
      <div class="corner">
        ${this.pinnable ? this.#pin(person.address, self ? text.yourself : person.name) : nothing}
        ${
          this.cancellable && ringing
            ? html`<button type="button" class="round withdraw" data-testid="cancel-${person.address}"
                aria-label=${text.withdraw(person.name)} title=${text.withdraw(person.name)}
                @click=${() => this.call?.cancel(person.address)}>${icons.close}</button>`
            : nothing
        }
      </div>
      ${
        badged
          ? html`<parley-trust class="trust" small .trust=${participant.trust} .person=${person}></parley-trust>`
          : nothing
      }
      <p class="name" title=${silent && participant.mutedBy ? silence : nothing}>${silent ? html`<span class="off">${icons.microphoneOff}</span>` : nothing}${participant.screen ? icons.screen : nothing}<span>${this.small ? name : words}</span></p>
    </div>`;
  }

  #pin(address: string, name: string) {
    return html`<button type="button" class="round pin" data-testid="pin-${address}" aria-pressed=${this.pinned}
      aria-label=${text.pin(name)} title=${this.pinned ? text.unpin(name) : text.pin(name)} @click=${() => this.dispatchEvent(new CustomEvent('pin'))}>${icons.pin}</button>`;
  }

  /** The whole picture does what the pin on it does, for fingers; the keyboard has the pin. */
  readonly #clicked = (event: Event) => {
    const onControl = event.composedPath().some((target) => target instanceof HTMLButtonElement);
    if (this.pinnable && !onControl) this.dispatchEvent(new CustomEvent('pin'));
  };

  #standing({ state, outcome, self, flowing }: CallParticipant): string {
    switch (state) {
      case 'knocking':
      case 'invited':
        return text.callingNow;
      case 'alerting':
        return text.ringing;
      case 'ended':
        return outcome ? outcomeText[outcome] : '';
      case 'joined':
        return self || flowing ? '' : text.connecting;
      case 'left':
        return '';
    }
  }
}

define('parley-tile', ParleyTile);
