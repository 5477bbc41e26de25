// The controls of a call: microphone, camera, add, chat, leave.
import type { CallPhase } from '@parley/client';
import { css, html, nothing, type TemplateResult } from 'lit';
import { define, ParleyElement } from './element.ts';
import { icons } from './icons.ts';
import { text } from './strings.ts';

/** What was chosen on the bar: the detail of its `choose` events. */
export type BarChoice = 'microphone' | 'camera' | 'add' | 'chat' | 'leave';

export class ParleyCallBar extends ParleyElement {
  static override properties = {
    microphone: { type: Boolean },
    camera: { type: Boolean },
    phase: {},
    chat: { type: Boolean },
    unread: { type: Number },
  };
  declare microphone: boolean;
  declare camera: boolean;
  declare phase: CallPhase;
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
        min-width: 60px;
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
        transition: filter 120ms;
      }
      button:hover .face {
        filter: brightness(light-dark(0.95, 1.15));
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
    this.phase = 'calling';
    this.chat = false;
    this.unread = 0;
  }

  focusChoice(choice: BarChoice): void {
    this.renderRoot.querySelector<HTMLElement>(`button[data-choice="${choice}"]`)?.focus();
  }

  override render() {
    const { microphone, camera, unread } = this;
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
        label: camera ? text.cameraOff : text.cameraOn,
        word: text.camera,
        icon: camera ? icons.camera : icons.cameraOff,
        look: camera ? '' : 'off',
        key: 'V',
      })}
      ${this.#button('add', { testId: 'add-person', label: text.addPerson, word: text.add, icon: icons.addPerson, key: 'A' })}
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
    }: {
      testId: string;
      label: string;
      word: string;
      icon: TemplateResult;
      look?: string;
      key?: string;
      badge?: number;
    },
  ): TemplateResult {
    return html`<button type="button" class=${look || nothing} data-choice=${choice} data-testid=${testId}
      data-on=${look === 'off' ? 'false' : 'true'} aria-label=${label} title=${key ? `${label} (${key})` : label}
      aria-keyshortcuts=${key || nothing} aria-expanded=${choice === 'chat' ? String(this.chat) : nothing}
      @click=${() => this.dispatchEvent(new CustomEvent<BarChoice>('choose', { detail: choice }))}>
      <span class="face">${icon}${badge > 0 ? html`<span class="badge" aria-hidden="true">${badge > 9 ? '9+' : badge}</span>` : nothing}</span>
      <span aria-hidden="true">${word}</span>
    </button>`;
  }
}

define('parley-call-bar', ParleyCallBar);
