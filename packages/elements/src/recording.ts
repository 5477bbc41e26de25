// The sign that a call is recorded or that somebody asks for it, on every screen, and the window that asks this person.
import type { Call, RecordingView } from '@parley/client';
import { css, html, nothing, type PropertyValues } from 'lit';
import { define, Follow, ParleyElement } from './element.ts';
import { emit } from './events.ts';
import { icons } from './icons.ts';
import { recordingSign, recordingText as text } from './recording-strings.ts';
import { sheet } from './styles.ts';

export class ParleyRecording extends ParleyElement {
  static override properties = { call: { attribute: false }, answering: { state: true } };
  declare call: Call | null;
  /** The answer is on its way. */
  declare answering: boolean;
  readonly #view = new Follow(this, () => this.call?.view);

  static override styles = [
    ParleyElement.styles,
    sheet,
    css`
      .sign {
        display: flex;
        margin-top: 10px;
        align-items: center;
        gap: 12px;
        min-height: var(--touch);
        padding: 2px 2px 2px 16px;
        border-radius: 999px;
        background: var(--warning-soft);
        color: var(--warning-text);
        font-size: 0.9375rem;
        font-weight: 550;
      }
      .running {
        background: var(--danger-soft);
        color: var(--danger-text);
      }
      .sign p {
        flex: 1;
        min-width: 0;
      }
      .dot {
        flex: none;
        width: 12px;
        height: 12px;
        border: 2px solid currentColor;
        border-radius: 50%;
      }
      .running .dot {
        background: currentColor;
        animation: pulse 1.6s ease-in-out infinite alternate;
      }
      @keyframes pulse {
        to {
          opacity: 0.35;
        }
      }
      .sign button {
        min-height: var(--touch);
        padding: 0 16px;
        border-radius: 999px;
        background: var(--surface);
        color: var(--text);
        font-size: 0.875rem;
        font-weight: 600;
      }
      dialog {
        padding: 24px;
      }
      .detail {
        margin-top: 10px;
        color: var(--muted);
      }
      .buttons {
        display: grid;
        gap: 10px;
        margin-top: 20px;
      }
      .buttons .button {
        justify-content: center;
        min-height: 48px;
      }
      .head {
        display: flex;
        align-items: center;
        gap: 12px;
      }
      .head .icon {
        color: var(--danger-text);
      }
    `,
  ];

  constructor() {
    super();
    this.call = null;
    this.answering = false;
  }

  protected override updated(changed: PropertyValues): void {
    super.updated(changed);
    const dialog = this.renderRoot.querySelector('dialog');
    if (dialog && !dialog.open) dialog.showModal();
  }

  override render() {
    const recording = this.#view.value?.recording;
    if (!recording) return nothing;
    const { state, consented } = recording;
    return html`<div class="sign ${state}" role="status" data-testid="recording" data-state=${state}
        data-consented=${consented}>
        <span class="dot" aria-hidden="true"></span>
        <p>${recordingSign(recording)}</p>
        ${
          consented
            ? html`<button type="button" data-testid="stop-recording" aria-label=${state === 'running' ? text.stop : nothing}
                @click=${() => this.#answer(() => this.call?.stopRecording())}>
                ${state === 'running' ? text.stopShort : text.takeBack}</button>`
            : nothing
        }
      </div>
      ${consented ? nothing : this.#question(recording)}`;
  }

  #question({ state, by }: RecordingView) {
    const asked = state === 'asked';
    // Only an answer closes it: who says nothing is not recorded. A browser that does not know `closedby` closes it at the
    // second Escape all the same, and it comes back.
    return html`<dialog closedby="none" aria-labelledby="title" aria-describedby="detail" data-testid="recording-question"
      @cancel=${(event: Event) => event.preventDefault()} @close=${() => this.requestUpdate()}>
      <div class="head">${icons.record}<h2 id="title">${asked ? text.askTitle(by.name) : text.runningTitle}</h2></div>
      <p class="detail" id="detail">${asked ? text.askDetail : text.runningDetail}</p>
      <div class="buttons">
        <button type="button" class="button primary" data-testid="recording-agree" ?disabled=${this.answering}
          @click=${() => this.#answer(() => this.call?.consentToRecording())}>${text.agree}</button>
        <button type="button" class="button" data-testid="recording-refuse" ?disabled=${this.answering}
          @click=${() => this.#answer(() => this.call?.stopRecording())}>${asked ? text.refuse : text.stopForMe}</button>
      </div>
    </dialog>`;
  }

  async #answer(act: () => Promise<void> | undefined): Promise<void> {
    this.answering = true;
    try {
      await act();
    } catch (error) {
      emit(this, 'parley-problem', { error });
    } finally {
      this.answering = false;
    }
  }
}

define('parley-recording', ParleyRecording);
