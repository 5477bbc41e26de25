// What is written during a call: a panel beside the tiles, a sheet from below on phones.
import type { Call } from '@parley/client';
import { asParleyError, type ChatMessage, MAX_TEXT } from '@parley/protocol';
import { css, html, nothing, type PropertyValues } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { define, Follow, ParleyElement } from './element.ts';
import { timeOfDay } from './format.ts';
import { icons } from './icons.ts';
import { text } from './strings.ts';

export class ParleyChat extends ParleyElement {
  static override properties = { call: { attribute: false }, problem: { state: true } };
  declare call: Call | null;
  declare problem: string;
  readonly #view = new Follow(this, () => this.call?.view);
  #shown = 0;

  static override styles = [
    ParleyElement.styles,
    css`
      :host {
        display: flex;
        flex-direction: column;
        min-height: 0;
        background: var(--surface);
      }
      header {
        display: flex;
        align-items: center;
        justify-content: space-between;
        padding: 8px 8px 8px 20px;
        border-bottom: 1px solid var(--line);
      }
      h2 {
        font-size: 1.0625rem;
        font-weight: 650;
      }
      .log {
        flex: 1;
        min-height: 0;
        overflow: hidden auto;
        scrollbar-width: thin;
      }
      .log:focus-visible {
        outline-offset: -3px;
      }
      ol {
        display: flex;
        flex-direction: column;
        gap: 14px;
        min-height: 100%;
        padding: 18px 20px;
      }
      li {
        max-width: 88%;
        align-self: flex-start;
      }
      li.own {
        align-self: flex-end;
      }
      .by {
        display: flex;
        gap: 8px;
        margin: 0 4px 4px;
        color: var(--muted);
        font-size: 0.8125rem;
      }
      .own .by {
        justify-content: flex-end;
      }
      .text {
        padding: 10px 14px;
        border-radius: 18px 18px 18px 6px;
        background: var(--sunken);
        white-space: pre-wrap;
        overflow-wrap: anywhere;
      }
      .own .text {
        border-radius: 18px 18px 6px 18px;
        background: var(--accent-soft);
      }
      .empty {
        margin: auto;
        padding: 0 12px;
        color: var(--muted);
        text-align: center;
        text-wrap: balance;
      }
      .problem {
        margin: 0 16px 10px;
      }
      form {
        padding: 12px 16px max(16px, env(safe-area-inset-bottom));
      }
      .field {
        border-radius: 24px;
      }
      .forbidden {
        padding: 12px 20px 20px;
      }
    `,
  ];

  constructor() {
    super();
    this.call = null;
    this.problem = '';
  }

  override focus(): void {
    this.renderRoot.querySelector('input')?.focus();
  }

  protected override updated(changed: PropertyValues): void {
    super.updated(changed);
    const messages = this.#view.value?.messages ?? [];
    const last = messages.at(-1)?.n ?? 0;
    if (last === this.#shown) return;
    this.#shown = last;
    const list = this.renderRoot.querySelector('.log');
    list?.scrollTo({ top: list.scrollHeight });
  }

  override render() {
    const messages = this.#view.value?.messages ?? [];
    return html`<header>
        <h2>${text.chat}</h2>
        <button type="button" class="round" aria-label=${text.closeChat} title=${text.closeChat}
          data-testid="chat-close" @click=${() => this.dispatchEvent(new CustomEvent('close'))}>${icons.close}</button>
      </header>
      <div class="log" role="log" aria-label=${text.chat} tabindex="0"><ol>
        ${messages.length === 0 ? html`<li class="empty">${text.noMessages}</li>` : nothing}
        ${repeat(
          messages,
          ({ n }) => n,
          (message) => this.#message(message),
        )}
      </ol></div>
      ${this.problem ? html`<p class="problem" role="alert">${icons.warning}<span>${this.problem}</span></p>` : nothing}
      ${this.#view.value?.may.write === false ? html`<p class="quiet forbidden">${text.writingForbidden}</p>` : this.#form()}`;
  }

  #form() {
    return html`<form @submit=${this.#send}>
        <div class="field">
          <input data-testid="chat-input" autocomplete="off" maxlength=${MAX_TEXT} enterkeyhint="send"
            aria-label=${text.writeMessage} placeholder=${text.writeMessage}>
          <button type="submit" class="round accent" data-testid="chat-send" aria-label=${text.send}
            title=${text.send}>${icons.send}</button>
        </div>
      </form>`;
  }

  #message({ by, at, text: written }: ChatMessage) {
    const author = this.#view.value?.participants.find(({ person }) => person.address === by);
    return html`<li class=${author?.self ? 'own' : nothing} data-testid="chat-message" data-by=${by}>
      <p class="by"><span>${author?.self ? text.you : (author?.person.name ?? by)}</span>
        <time datetime=${new Date(at).toISOString()}>${timeOfDay(at)}</time></p>
      <p class="text">${written}</p></li>`;
  }

  readonly #send = async (event: Event) => {
    event.preventDefault();
    const input = this.renderRoot.querySelector('input');
    const written = input?.value.trim() ?? '';
    if (!input || !written || !this.call) return;
    input.value = '';
    this.problem = '';
    try {
      await this.call.send(written);
    } catch (error) {
      this.problem = asParleyError(error).message;
      // Nothing that was written gets lost, unless something new was begun.
      if (!input.value) input.value = written;
    }
  };
}

define('parley-chat', ParleyChat);
