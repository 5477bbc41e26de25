// Inviting people without an account into the running call: makes a link, shows it once with a way to copy it, and withdraws
// those that are open (R30).
import type { Call } from '@parley/client';
import { asParleyError, type GuestLink } from '@parley/protocol';
import { css, html, nothing } from 'lit';
import { define, Follow, ParleyElement } from './element.ts';
import { timeOfDay } from './format.ts';
import { icons } from './icons.ts';
import { text } from './strings.ts';

export class ParleyGuestLinks extends ParleyElement {
  static override properties = {
    call: { attribute: false },
    made: { state: true },
    links: { state: true },
    copied: { state: true },
    problem: { state: true },
    busy: { state: true },
  };
  declare call: Call | null;
  /** The link just made: its text is told only once. */
  declare made: { readonly link: GuestLink; readonly url: string } | null;
  declare links: readonly GuestLink[];
  declare copied: boolean;
  declare problem: string;
  declare busy: boolean;
  readonly #view = new Follow(this, () => this.call?.view);

  static override styles = [
    ParleyElement.styles,
    css`
      :host {
        container-type: inline-size;
      }
      details {
        padding: 2px 14px;
        border-radius: var(--radius);
        background: var(--sunken);
      }
      summary {
        display: flex;
        align-items: center;
        gap: 10px;
        min-height: var(--touch);
        border-radius: 8px;
        font-weight: 600;
        cursor: pointer;
        list-style: none;
      }
      summary::-webkit-details-marker {
        display: none;
      }
      summary .chevron {
        margin-inline-start: auto;
        display: inline-flex;
      }
      details[open] .chevron {
        rotate: 180deg;
      }
      .inside {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: 12px;
        padding: 4px 0 12px;
      }
      label {
        display: flex;
        align-items: center;
        gap: 10px;
        min-height: var(--touch);
      }
      label input {
        flex: none;
        width: 20px;
        height: 20px;
        margin: 0;
        accent-color: var(--accent);
      }
      .copy {
        display: flex;
        gap: 8px;
      }
      .copy .button {
        flex: none;
        padding-inline: 16px;
        background: var(--surface);
      }
      .copy input {
        flex: 1;
        min-width: 0;
        height: 44px;
        padding: 0 12px;
        border: 1px solid var(--line-strong);
        border-radius: var(--radius);
        background: var(--surface);
        color: var(--text);
        font: inherit;
        font-size: 0.875rem;
        text-overflow: ellipsis;
      }
      li {
        display: flex;
        align-items: center;
        justify-content: space-between;
        gap: 12px;
        font-size: 0.9375rem;
      }
    `,
  ];

  constructor() {
    super();
    this.call = null;
    this.made = null;
    this.links = [];
    this.copied = false;
    this.problem = '';
    this.busy = false;
  }

  override render() {
    if (!this.#view.value?.may.add) return nothing;
    const { made, links } = this;
    return html`<details @toggle=${(event: Event) => (event.target as HTMLDetailsElement).open && this.#refresh()}>
      <summary data-testid="invite-by-link">${icons.link}<span>${text.inviteByLink}</span><span class="chevron">${icons.chevron}</span></summary>
      <div class="inside">
        <p class="quiet">${text.inviteByLinkHint}</p>
        <label><input type="checkbox" data-testid="link-lobby" checked>${text.withLobby}</label>
        <button type="button" class="button primary" data-testid="link-make" ?disabled=${this.busy}
          @click=${this.#make}>${icons.link}${text.makeLink}</button>
        ${this.problem ? html`<p class="problem" role="alert" data-testid="link-problem">${icons.warning}<span>${this.problem}</span></p>` : nothing}
        <div role="status">${
          made
            ? html`<div class="copy">
              <input readonly data-testid="link-url" aria-label=${text.linkReady} .value=${made.url}
                @focus=${(event: Event) => (event.target as HTMLInputElement).select()}>
              <button type="button" class="button" data-testid="link-copy" @click=${this.#copy}>
                ${this.copied ? icons.check : icons.copy}${this.copied ? text.copied : text.copyLink}</button></div>
            <p class="quiet">${text.linkEnds(timeOfDay(made.link.expiresAt))}</p>`
            : nothing
        }</div>
        ${
          links.length > 0
            ? html`<p class="quiet">${text.openLinks(links.length)}</p>
              <ul>${links.map((link) => this.#link(link))}</ul>`
            : nothing
        }
      </div>
    </details>`;
  }

  #link({ id, by, expiresAt }: GuestLink) {
    const maker = this.#view.value?.participants.find(({ person }) => person.address === by);
    const name = maker?.self ? text.you : (maker?.person.name ?? by);
    return html`<li><span>${text.linkOf(name, timeOfDay(expiresAt))}</span>
      <button type="button" class="link" data-testid="link-withdraw"
        @click=${() => this.#withdraw(id)}>${text.withdrawLink}</button></li>`;
  }

  readonly #make = () =>
    this.#try(async () => {
      const lobby = this.renderRoot.querySelector<HTMLInputElement>('label input')?.checked ?? true;
      this.copied = false;
      this.made = (await this.call?.invite({ lobby })) ?? null;
      await this.#list();
    });

  readonly #copy = () =>
    this.#try(async () => {
      if (!this.made) return;
      this.renderRoot.querySelector<HTMLInputElement>('.copy input')?.select();
      await navigator.clipboard.writeText(this.made.url).catch(() => document.execCommand('copy'));
      this.copied = true;
    });

  #withdraw(id: string): Promise<void> {
    return this.#try(async () => {
      await this.call?.withdraw(id);
      if (this.made?.link.id === id) this.made = null;
      await this.#list();
    });
  }

  #refresh(): Promise<void> {
    return this.#try(() => this.#list());
  }

  async #list(): Promise<void> {
    this.links = (await this.call?.links()) ?? [];
  }

  async #try(act: () => Promise<void>): Promise<void> {
    this.problem = '';
    this.busy = true;
    try {
      await act();
    } catch (error) {
      this.problem = asParleyError(error).message;
    } finally {
      this.busy = false;
    }
  }
}

define('parley-guest-links', ParleyGuestLinks);
