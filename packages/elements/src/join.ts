// The page behind a guest link: who invites and to what, a name, what is switched on, and the wait to be let in (R3, R30).
import type { Invitation } from '@parley/client';
import { css, html, nothing } from 'lit';
import { define, ParleyElement } from './element.ts';
import { emit } from './events.ts';
import { icons } from './icons.ts';
import { text } from './strings.ts';
import { doorway } from './styles.ts';

export class ParleyJoin extends ParleyElement {
  static override properties = {
    invitation: { attribute: false },
    stage: {},
    problem: {},
    microphone: { state: true },
    camera: { state: true },
  };
  declare invitation: Invitation | null;
  /** `asking`: for the name; `entering`: under way; `waiting`: to be let in. */
  declare stage: 'asking' | 'entering' | 'waiting';
  /** Why it did not work, as a sentence; or empty. */
  declare problem: string;
  declare microphone: boolean;
  declare camera: boolean;

  static override styles = [
    ParleyElement.styles,
    doorway,
    css`
      .card {
        gap: 24px;
        width: min(100%, 440px);
        padding: 36px clamp(20px, 6vw, 40px);
      }
      .top {
        text-align: center;
      }
      h1 {
        font-size: 1.375rem;
        line-height: 1.25;
        letter-spacing: -0.015em;
      }
      .about {
        margin-top: 8px;
        color: var(--muted);
        text-wrap: balance;
        overflow-wrap: anywhere;
      }
      form {
        display: grid;
        gap: 18px;
      }
      .name {
        display: grid;
        gap: 6px;
        font-weight: 600;
      }
      .name small {
        color: var(--muted);
        font-size: 0.875rem;
        font-weight: 400;
      }
      .switches {
        display: grid;
        grid-template-columns: 1fr 1fr;
        gap: 10px;
      }
      .switch {
        display: flex;
        align-items: center;
        justify-content: center;
        gap: 8px;
        min-height: 52px;
        padding: 6px 10px;
        border-radius: 16px;
        background: var(--accent-soft);
        color: var(--accent-text);
        font-weight: 550;
      }
      .switch[aria-pressed='false'] {
        background: var(--text);
        color: var(--surface);
      }
      .button {
        width: 100%;
        min-height: 52px;
        overflow-wrap: anywhere;
      }
      .pulse {
        width: 14px;
        height: 14px;
        margin: 0 auto;
        border-radius: 50%;
        background: var(--accent);
        animation: breathe 1.4s ease-in-out infinite alternate;
      }
      @keyframes breathe {
        to {
          opacity: 0.25;
          scale: 0.8;
        }
      }
      /* Always there, so that it is read out when something comes into it. */
      [role='status']:empty {
        position: absolute;
      }
      .wait {
        display: grid;
        gap: 14px;
        text-align: center;
      }
    `,
  ];

  constructor() {
    super();
    this.invitation = null;
    this.stage = 'asking';
    this.problem = '';
    this.microphone = true;
    this.camera = true;
  }

  override render() {
    const { invitation } = this;
    if (!invitation) return nothing;
    const { provider, by, title } = invitation;
    return html`<div class="card" data-testid="join" data-stage=${this.stage}>
      <div class="top">
        <div class="mark" aria-hidden="true">${[...provider.name][0]}</div>
        <h1 tabindex="-1" data-testid="join-invited">${text.invitedBy(by.name, by.company)}</h1>
        ${title ? html`<p class="about">${text.invitedTo(title)}</p>` : nothing}
      </div>
      ${
        this.problem
          ? html`<p class="problem" role="alert" data-testid="join-problem">${icons.warning}<span>${this.problem}</span></p>`
          : nothing
      }
      <div role="status">${this.stage === 'asking' ? nothing : this.#wait()}</div>
      ${this.stage === 'asking' ? this.#form(invitation) : nothing}
    </div>`;
  }

  #form({ me, lobby }: Invitation) {
    return html`<form @submit=${this.#submit}>
      ${
        me
          ? nothing
          : html`<label class="name">${text.yourName}
              <span class="field"><input data-testid="join-name" name="name" required maxlength="80" autocomplete="name"
                aria-describedby="name-hint"></span>
              <small id="name-hint">${text.yourNameHint}</small></label>`
      }
      <div class="switches">
        ${this.#switch('microphone', text.withMicrophone)} ${this.#switch('camera', text.withCamera)}
      </div>
      ${lobby ? html`<p class="quiet">${text.lobbyHint}</p>` : nothing}
      <button class="button primary" data-testid="join-enter">
        ${me ? text.enterAs(me.name) : lobby ? text.askToEnter : text.enter}</button>
    </form>`;
  }

  #switch(kind: 'microphone' | 'camera', label: string) {
    const on = this[kind];
    const icon = { microphone: [icons.microphoneOff, icons.microphone], camera: [icons.cameraOff, icons.camera] }[kind];
    return html`<button type="button" class="switch" aria-pressed=${on ? 'true' : 'false'} data-testid="join-${kind}"
      @click=${() => {
        this[kind] = !on;
      }}>${icon[on ? 1 : 0]}<span>${label}</span></button>`;
  }

  #wait() {
    const waiting = this.stage === 'waiting';
    return html`<div class="wait" data-testid=${waiting ? 'join-waiting' : 'join-entering'}>
      <div class="pulse" aria-hidden="true"></div>
      <p><strong>${waiting ? text.waitingTitle : text.entering}</strong></p>
      ${
        waiting
          ? html`<p class="quiet">${text.waitingHint}</p>
            <button type="button" class="button" data-testid="join-cancel"
              @click=${() => emit(this, 'parley-enter-cancel', null)}>${text.cancel}</button>`
          : nothing
      }</div>`;
  }

  readonly #submit = (event: SubmitEvent) => {
    event.preventDefault();
    const known = this.invitation?.me ?? null;
    const name = this.renderRoot.querySelector<HTMLInputElement>('[name=name]')?.value.trim() ?? '';
    if (!known && !name) return;
    const { microphone, camera } = this;
    emit(this, 'parley-enter', { name: known ? null : name, microphone, camera });
  };
}

define('parley-join', ParleyJoin);
