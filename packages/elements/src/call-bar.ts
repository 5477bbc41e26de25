// The controls of a call: microphone, camera, screen, add, chat, leave.
import type { CallPhase } from '@parley/client';
import { css, html, nothing, type TemplateResult } from 'lit';
import { define, ParleyElement } from './element.ts';
import { icons } from './icons.ts';
import { text } from './strings.ts';

/** Browsers on phones share no screens. */
const canShare = typeof navigator.mediaDevices?.getDisplayMedia === 'function';

/** What was chosen on the bar: the detail of its `choose` events. */
export type BarChoice = 'microphone' | 'camera' | 'screen' | 'add' | 'chat' | 'leave';

export class ParleyCallBar extends ParleyElement {
  static override properties = {
    microphone: { type: Boolean },
    camera: { type: Boolean },
    sharing: { type: Boolean },
    phase: {},
    adding: { type: Boolean },
    mayShare: { type: Boolean },
    chat: { type: Boolean },
    unread: { type: Number },
  };
  declare microphone: boolean;
  declare camera: boolean;
  /** The screen is sent in place of the camera. */
  declare sharing: boolean;
  declare phase: CallPhase;
  /** This person may add others. */
  declare adding: boolean;
  /** This person may show their screen. */
  declare mayShare: boolean;
  /** The chat is open. */
  declare chat: boolean;
  declare unread: number;

  static override styles = [
    ParleyElement.styles,
    css`
      .bar {
        display: flex;
        justify-content: center;
        gap: clamp(4px, 1.6vw, 12px);
      }
      button {
        display: grid;
        justify-items: center;
        gap: 5px;
        min-width: min(60px, 13vw);
        padding: 4px 2px;
        border-radius: 18px;
        color: var(--muted);
        font-size: 0.75rem;
        font-weight: 550;
      }
      .face {
        position: relative;
        display: grid;
        place-items: center;
        width: 52px;
        height: 52px;
        border-radius: 50%;
        background: var(--surface);
        color: var(--text);
        box-shadow: inset 0 0 0 1px var(--line);
        transition: box-shadow 120ms;
      }
      button:hover .face {
        box-shadow:
          inset 0 0 0 1px var(--line),
          inset 0 0 0 32px var(--hover);
      }
      .off .face {
        background: var(--text);
        color: var(--surface);
        box-shadow: none;
      }
      .on .face {
        background: var(--accent-soft);
        color: var(--accent-text);
        box-shadow: none;
      }
      .leave .face {
        width: 64px;
        border-radius: 26px;
        background: var(--danger);
        color: #ffffff;
        box-shadow: none;
      }
      @media (max-width: 420px) {
        .face {
          width: 48px;
          height: 48px;
        }
        .leave .face {
          width: 54px;
        }
      }
      .badge {
        position: absolute;
        inset-inline-end: -4px;
        top: -3px;
        min-width: 22px;
        height: 22px;
        padding: 0 6px;
        border: 2px solid var(--canvas);
        border-radius: 11px;
        background: var(--accent);
        color: var(--on-accent);
        font-size: 0.6875rem;
        font-weight: 700;
        line-height: 18px;
        text-align: center;
      }
    `,
  ];

  constructor() {
    super();
    this.microphone = false;
    this.camera = false;
    this.sharing = false;
    this.phase = 'calling';
    this.adding = false;
    this.mayShare = false;
    this.chat = false;
    this.unread = 0;
  }

  focusChoice(choice: BarChoice): void {
    this.renderRoot.querySelector<HTMLElement>(`button[data-choice="${choice}"]`)?.focus();
  }

  override render() {
    const { microphone, camera, sharing, unread } = this;
    const calling = this.phase === 'calling';
    return html`<div class="bar" role="group" aria-label=${text.callControls}>
      ${this.#button('microphone', {
        testId: 'toggle-microphone',
        label: microphone ? text.mute : text.unmute,
        word: microphone ? text.muteWord : text.unmuteWord,
        icon: microphone ? icons.microphone : icons.microphoneOff,
        look: microphone ? '' : 'off',
        key: 'M',
      })}
      ${this.#button('camera', {
        testId: 'toggle-camera',
        label: sharing ? text.cameraNotNow : camera ? text.cameraOff : text.cameraOn,
        disabled: sharing,
        word: text.camera,
        icon: camera ? icons.camera : icons.cameraOff,
        look: camera ? '' : 'off',
        key: 'V',
      })}
      ${
        canShare && (this.mayShare || sharing)
          ? this.#button('screen', {
              testId: 'toggle-screen',
              label: sharing ? text.stopSharing : text.shareScreen,
              word: sharing ? text.stop : text.share,
              icon: icons.screen,
              look: sharing ? 'on' : '',
            })
          : nothing
      }
      ${
        this.adding
          ? this.#button('add', {
              testId: 'add-person',
              label: text.addPerson,
              word: text.add,
              icon: icons.addPerson,
              key: 'A',
            })
          : nothing
      }
      ${this.#button('chat', {
        testId: 'chat-open',
        label: `${this.chat ? text.closeChat : text.openChat}${unread > 0 ? `, ${text.unread(unread)}` : ''}`,
        word: text.chat,
        icon: icons.chat,
        look: this.chat ? 'on' : '',
        badge: unread,
      })}
      ${this.#button('leave', {
        testId: calling ? 'hang-up-cancel' : 'leave',
        label: calling ? text.cancelCall : text.leaveCall,
        word: calling ? text.cancel : text.leave,
        icon: icons.hangUp,
        look: 'leave',
      })}
    </div>`;
  }

  #button(
    choice: BarChoice,
    {
      testId,
      label,
      word,
      icon,
      look = '',
      key = '',
      badge = 0,
      disabled = false,
    }: {
      testId: string;
      label: string;
      word: string;
      icon: TemplateResult;
      look?: string;
      key?: string;
      badge?: number;
      disabled?: boolean;
    },
  ): TemplateResult {
    return html`<button type="button" class=${look || nothing} data-choice=${choice} data-testid=${testId}
      data-on=${look === 'off' ? 'false' : 'true'} aria-label=${label} title=${key ? `${label} (${key})` : label} ?disabled=${disabled}
      aria-keyshortcuts=${key || nothing} aria-expanded=${choice === 'chat' ? String(this.chat) : nothing}
      @click=${() => this.dispatchEvent(new CustomEvent<BarChoice>('choose', { detail: choice }))}>
      <span class="face">${icon}${badge > 0 ? html`<span class="badge" aria-hidden="true">${badge > 9 ? '9+' : badge}</span>` : nothing}</span>
      <span aria-hidden="true">${word}</span>
    </button>`;
  }
}

define('parley-call-bar', ParleyCallBar);
