// One person in a call: the picture, or initials while there is none; the name; whether the microphone is off; and
// while the person is being rung, how that stands.
import type { Call, CallParticipant } from '@parley/client';
import { css, html, nothing, type PropertyValues } from 'lit';
import './avatar.ts';
import { define, Follow, ParleyElement } from './element.ts';
import { tintOf } from './format.ts';
import { icons } from './icons.ts';
import { outcomeText, text } from './strings.ts';
import { tints } from './styles.ts';
import './trust.ts';

export class ParleyTile extends ParleyElement {
  static override properties = {
    call: { attribute: false },
    participant: { attribute: false },
    small: { type: Boolean, reflect: true },
    cancellable: { type: Boolean },
  };
  declare call: Call | null;
  declare participant: CallParticipant | null;
  /** The small self view beside one other person. */
  declare small: boolean;
  /** Shows a control that withdraws the invitation. */
  declare cancellable: boolean;
  readonly #sharing = new Follow(this, () => (this.participant?.self ? this.call?.sharing : null));
  readonly #localVideo = new Follow(this, () => (this.participant?.self ? this.call?.localVideo : null));
  #takeAway: (() => void) | null = null;

  static override styles = [
    ParleyElement.styles,
    tints,
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
      /* Moved by the compositor: a growing shadow would be painted anew for every frame, while the call connects. */
      .ringing parley-avatar::after {
        content: '';
        position: absolute;
        inset: 0;
        border-radius: 50%;
        background: var(--ink);
        opacity: 0;
        z-index: -1;
        animation: pulse 1.8s ease-out infinite;
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
      .name {
        position: absolute;
        inset-inline-start: 10px;
        bottom: 10px;
        display: flex;
        align-items: center;
        gap: 6px;
        max-width: calc(100% - 20px);
        padding: 4px 11px;
        border-radius: 999px;
        background: rgb(10 18 24 / 72%);
        color: #ffffff;
        font-size: 0.875rem;
        font-weight: 550;
      }
      .name span {
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      .name .icon {
        width: 16px;
        height: 16px;
        color: #ffb4b8;
      }
      .trust {
        position: absolute;
        inset-inline-start: 8px;
        top: 8px;
      }
      .withdraw {
        position: absolute;
        inset-inline-end: 8px;
        top: 8px;
        background: color-mix(in oklab, var(--surface) 72%, transparent);
        color: var(--ink);
      }
      :host([small]) .name {
        inset-inline-start: 6px;
        bottom: 6px;
        padding: 2px 9px;
        font-size: 0.8125rem;
      }
      @container (max-height: 120px) {
        .standing {
          gap: 6px;
          padding-bottom: 32px;
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
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#takeAway?.();
    this.#takeAway = null;
  }

  protected override updated(changed: PropertyValues): void {
    super.updated(changed);
    const { call, participant } = this;
    // The SDK keeps the picture in the container over every change of path: it is handed over once.
    if (this.#takeAway || !this.isConnected || !call || !participant || participant.self) return;
    const container = this.renderRoot.querySelector<HTMLElement>('.picture');
    if (container) this.#takeAway = call.showVideo(participant.person.address, container);
  }

  override render() {
    const { participant } = this;
    if (!participant) return nothing;
    const { person, self, state, microphone, flowing } = participant;
    const ringing = state === 'invited' || state === 'alerting';
    const own = self ? (this.#localVideo.value ?? null) : null;
    const picture = self ? own !== null : participant.video;
    const standing = this.#standing(participant);
    const name = self ? text.you : person.name;
    const silent = state === 'joined' && !microphone;
    return html`<div class="tile ${ringing ? 'ringing' : state}" role="group" data-tint=${tintOf(person.address)}
      aria-label=${[name, standing, silent ? text.muted : ''].filter(Boolean).join(', ')}
      data-testid="tile-${person.address}" data-state=${state} data-flowing=${flowing}
      data-outcome=${participant.outcome ?? nothing} data-microphone=${microphone} data-camera=${participant.camera}>
      <div class="standing" ?hidden=${picture}>
        <parley-avatar strong .name=${person.name} .address=${person.address}></parley-avatar>
        ${standing && !this.small ? html`<p class="state">${standing}</p>` : nothing}
      </div>
      <div class="picture ${picture ? '' : 'off'}">
        ${self ? html`<video class=${this.#sharing.value ? '' : 'mirror'} autoplay playsinline .muted=${true} .srcObject=${own}></video>` : nothing}
      </div>
      ${
        this.cancellable && ringing
          ? html`<button type="button" class="round withdraw" data-testid="cancel-${person.address}"
              aria-label=${text.withdraw(person.name)} title=${text.withdraw(person.name)}
              @click=${() => this.call?.cancel(person.address)}>${icons.close}</button>`
          : nothing
      }
      ${
        !self && state === 'joined'
          ? html`<parley-trust class="trust" small .trust=${participant.trust} .person=${person}></parley-trust>`
          : nothing
      }
      <p class="name">${silent ? icons.microphoneOff : nothing}<span>${name}</span></p>
    </div>`;
  }

  #standing({ state, outcome, self, flowing }: CallParticipant): string {
    switch (state) {
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
