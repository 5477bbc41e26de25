// A call as one element: header, tiles, controls, chat, adding people, notices; and afterwards, why it is over.
import type { Call, CallView, Session } from '@parley/client';
import { css, html, nothing, type PropertyValues } from 'lit';
import './add-person.ts';
import type { ParleyAddPerson } from './add-person.ts';
import './call-bar.ts';
import type { BarChoice, ParleyCallBar } from './call-bar.ts';
import './call-ended.ts';
import './call-header.ts';
import './call-menu.ts';
import './call-people.ts';
import type { ParleyCallPeople } from './call-people.ts';
import './call-requests.ts';
import './chat.ts';
import type { ParleyChat } from './chat.ts';
import { define, Follow, ParleyElement } from './element.ts';
import { emit } from './events.ts';
import './identify.ts';
import type { ParleyIdentify } from './identify.ts';
import './recording.ts';
import { recordingEndText } from './recording-strings.ts';
import { noticeText } from './strings.ts';
import './tiles.ts';
import './toasts.ts';
import type { ParleyToasts } from './toasts.ts';

const shortcuts: Readonly<Record<string, BarChoice>> = { m: 'microphone', v: 'camera', a: 'add' };

export class ParleyCall extends ParleyElement {
  static override properties = {
    session: { attribute: false },
    call: { attribute: false },
    withoutShortcuts: { type: Boolean, attribute: 'without-shortcuts' },
    chatOpen: { state: true },
  };
  declare session: Session | null;
  declare call: Call | null;
  /** Turns the keys M, V and A off (WCAG 2.1.4). */
  declare withoutShortcuts: boolean;
  declare chatOpen: boolean;
  readonly #view = new Follow(this, () => this.call?.view);
  readonly #sharing = new Follow(this, () => this.call?.sharing);
  #seen: Call | null = null;
  #lastNotice = 0;
  #lastRead = 0;
  #endedAt = 0;

  static override styles = [
    ParleyElement.styles,
    css`
      :host {
        height: 100%;
        background: var(--canvas);
        overflow: hidden;
      }
      .call {
        position: relative;
        display: grid;
        grid-template: minmax(0, 1fr) / minmax(0, 1fr);
        height: 100%;
      }
      .stage {
        display: grid;
        grid-template: auto minmax(0, 1fr) auto / minmax(0, 1fr);
        gap: 14px;
        padding: 14px clamp(12px, 2vw, 24px) max(14px, env(safe-area-inset-bottom));
        min-width: 0;
        min-height: 0;
      }
      .head {
        display: flex;
        flex-direction: column;
        min-width: 0;
        z-index: 2;
      }
      .above {
        position: absolute;
        z-index: 4;
        inset: 72px 12px auto;
        display: grid;
        gap: 8px;
        pointer-events: none;
      }
      parley-chat {
        border-inline-start: 1px solid var(--line);
      }
      @media (min-width: 860px) {
        .call.with-chat {
          grid-template-columns: minmax(0, 1fr) 360px;
        }
        .with-chat .above {
          inset-inline-end: 372px;
        }
      }
      @media (max-width: 859.98px) {
        parley-chat {
          position: absolute;
          z-index: 5;
          inset: auto 0 0;
          height: min(72%, 560px);
          border: 0;
          border-radius: 24px 24px 0 0;
          box-shadow: var(--shadow-high);
          overflow: hidden;
          animation: rise 200ms ease-out;
        }
      }
      @keyframes rise {
        from {
          translate: 0 32px;
          opacity: 0;
        }
      }
      .ended,
      parley-call-ended {
        height: 100%;
      }
    `,
  ];

  constructor() {
    super();
    this.session = null;
    this.call = null;
    this.withoutShortcuts = false;
    this.chatOpen = false;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    document.addEventListener('keydown', this.#key);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    document.removeEventListener('keydown', this.#key);
  }

  // Controllers have their values only after willUpdate.
  protected override update(changed: PropertyValues): void {
    this.#takeNote();
    super.update(changed);
  }

  #takeNote(): void {
    const view = this.#view.value;
    if (this.call !== this.#seen) {
      this.#seen = this.call;
      this.#lastNotice = 0;
      this.#lastRead = 0;
      this.#endedAt = 0;
      this.chatOpen = false;
    }
    if (view?.phase === 'ended' && this.#endedAt === 0) this.#endedAt = Date.now();
    if (view && this.chatOpen) this.#lastRead = lastMessage(view);
  }

  protected override updated(changed: PropertyValues): void {
    super.updated(changed);
    const toasts = this.renderRoot.querySelector<ParleyToasts>('parley-toasts');
    for (const notice of this.#view.value?.notices ?? []) {
      if (notice.id <= this.#lastNotice) continue;
      this.#lastNotice = notice.id;
      // A change of path is nothing to be told about: the quiet sign in the header shows it.
      if (notice.kind === 'path-changed') continue;
      const trouble = notice.kind === 'add-failed' || notice.kind === 'trouble';
      const sentence = notice.kind === 'recording-ended' ? recordingEndText(notice) : noticeText(notice);
      toasts?.show({ kind: notice.kind, sentence, trouble });
    }
  }

  override render() {
    const view = this.#view.value;
    if (!view) return nothing;
    if (view.phase === 'ended') {
      return html`<main class="ended"><parley-call-ended .view=${view} .endedAt=${this.#endedAt}
        ?guest=${this.session?.me.guest === true}></parley-call-ended></main>`;
    }
    const self = view.participants.find((participant) => participant.self);
    const unread = view.messages.filter((m) => m.n > this.#lastRead && m.by !== self?.person.address).length;
    return html`<div class="call ${this.chatOpen ? 'with-chat' : ''}">
      <main class="stage" data-testid="stage" data-phase=${view.phase}>
        <div class="head">
          <parley-call-header .view=${view} @people=${this.#showPeople}>
            <parley-call-menu .call=${this.call}></parley-call-menu></parley-call-header>
          <parley-recording .call=${this.call}></parley-recording>
        </div>
        <parley-tiles .call=${this.call}></parley-tiles>
        <parley-call-bar ?adding=${view.may.add} ?microphone=${self?.microphone ?? false} ?camera=${self?.camera ?? false}
          ?sharing=${this.#sharing.value ?? false} .mayShare=${view.may.share}
          .phase=${view.phase} ?chat=${this.chatOpen} .unread=${this.chatOpen ? 0 : unread}
          @choose=${this.#chosen}></parley-call-bar>
      </main>
      ${
        this.chatOpen
          ? html`<parley-chat role="complementary" .call=${this.call} @close=${this.#closeChat}
              @keydown=${this.#chatKey}></parley-chat>`
          : nothing
      }
      <div class="above">
        <parley-call-requests .call=${this.call} @identify=${this.#showIdentify}></parley-call-requests>
        <parley-toasts></parley-toasts>
      </div>
      <parley-call-people .call=${this.call}></parley-call-people>
      <parley-identify .session=${this.session} .call=${this.call}></parley-identify>
      <parley-add-person .session=${this.session} .call=${this.call}></parley-add-person>
    </div>`;
  }

  readonly #chosen = (event: CustomEvent<BarChoice>) => {
    void this.#do(event.detail);
  };

  async #do(choice: BarChoice): Promise<void> {
    const { call } = this;
    const self = this.#view.value?.participants.find((participant) => participant.self);
    try {
      if (choice === 'microphone') await call?.setMicrophone(!self?.microphone);
      else if (choice === 'camera') await this.#toggleCamera(!self?.camera);
      else if (choice === 'screen') await call?.setScreen(!this.#sharing.value);
      else if (choice === 'add' && this.#view.value?.may.add)
        this.renderRoot.querySelector<ParleyAddPerson>('parley-add-person')?.show();
      else if (choice === 'add') return;
      else if (choice === 'leave') await call?.leave();
      else if (this.chatOpen) this.#closeChat();
      else await this.#openChat();
    } catch (error) {
      emit(this, 'parley-problem', { error });
    }
  }

  /** While the screen is shown, whether the camera is on is seen by nobody. */
  async #toggleCamera(on: boolean): Promise<void> {
    if (!this.#sharing.value) await this.call?.setCamera(on);
  }

  async #openChat(): Promise<void> {
    this.chatOpen = true;
    await this.updateComplete;
    const chat = this.renderRoot.querySelector<ParleyChat>('parley-chat');
    await chat?.updateComplete;
    chat?.focus();
  }

  readonly #showPeople = () => {
    this.renderRoot.querySelector<ParleyCallPeople>('parley-call-people')?.show();
  };

  readonly #showIdentify = () => {
    void this.renderRoot.querySelector<ParleyIdentify>('parley-identify')?.show();
  };

  readonly #closeChat = () => {
    this.chatOpen = false;
    this.renderRoot.querySelector<ParleyCallBar>('parley-call-bar')?.focusChoice('chat');
  };

  readonly #chatKey = (event: KeyboardEvent) => {
    if (event.key === 'Escape') this.#closeChat();
  };

  readonly #key = (event: KeyboardEvent) => {
    const choice = shortcuts[event.key.toLowerCase()];
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey && !event.repeat && !event.defaultPrevented;
    if (!choice || !plain || this.withoutShortcuts) return;
    if (!this.#view.value || this.#view.value.phase === 'ended' || event.composedPath().some(isElsewhere)) return;
    event.preventDefault();
    void this.#do(choice);
  };
}

/** Where keys mean something else: text that is being written, lists, windows above the call. */
function isElsewhere(target: EventTarget): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT|DIALOG)$/.test(target.tagName))
  );
}

function lastMessage({ messages }: CallView): number {
  return messages.at(-1)?.n ?? 0;
}

define('parley-call', ParleyCall);
