// Contacts by company, and a search that finds own people by name and anybody by address. The same element chooses whom
// to call and whom to add.
import type { Session } from '@parley/client';
import { asParleyError, type Company, type Contact, parseAddress } from '@parley/protocol';
import { css, html, nothing, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { define, Follow, ParleyElement } from './element.ts';
import { icons } from './icons.ts';
import './person-row.ts';
import { text } from './strings.ts';

/** How long typing must rest before the node is asked, in milliseconds. */
const TYPING_REST = 250;

type Found =
  | { readonly state: 'searching' }
  | { readonly state: 'found'; readonly contacts: readonly Contact[] }
  | { readonly state: 'failed'; readonly sentence: string };

export class ParleyPeople extends ParleyElement {
  static override properties = {
    session: { attribute: false },
    mode: {},
    notes: { attribute: false },
    query: { state: true },
    found: { state: true },
    editing: { state: true },
  };
  declare session: Session | null;
  declare mode: 'call' | 'add';
  /** Words for people who cannot be chosen now, by address. */
  declare notes: ReadonlyMap<string, string>;
  declare query: string;
  declare found: Found | null;
  /** Domain of the company whose contacts are being edited. */
  declare editing: string;
  readonly #companies = new Follow(this, () => this.session?.companies);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asked = 0;

  static override styles = [
    ParleyElement.styles,
    css`
      :host {
        display: flex;
        flex-direction: column;
        min-height: 0;
      }
      .lists {
        flex: 1;
        min-height: 0;
        margin: 0 -10px;
        padding: 14px 0 24px;
        overflow: hidden auto;
        scrollbar-width: thin;
        scrollbar-color: var(--line-strong) transparent;
      }
      .group {
        display: flex;
        align-items: center;
        justify-content: space-between;
        min-height: 36px;
        margin: 0 10px;
      }
      section + section .group {
        margin-top: 16px;
      }
      h3 {
        font-size: 0.8125rem;
        font-weight: 650;
        color: var(--muted);
        overflow-wrap: anywhere;
      }
      .domain {
        font-weight: 450;
      }
      .empty {
        display: grid;
        gap: 8px;
        padding: 12px 10px;
        color: var(--muted);
        overflow-wrap: anywhere;
      }
      .empty strong {
        color: var(--text);
        font-weight: 600;
      }
      .problem {
        margin: 4px 10px 0;
      }
    `,
  ];

  constructor() {
    super();
    this.session = null;
    this.mode = 'call';
    this.notes = new Map();
    this.query = '';
    this.found = null;
    this.editing = '';
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.#timer);
  }

  /** Empties the search field. */
  clear(): void {
    this.#ask('');
  }

  override focus(): void {
    this.renderRoot.querySelector('input')?.focus();
  }

  override render() {
    return html`<form role="search" class="field" @submit=${this.#submit}>
        ${icons.search}
        <input type="search" data-testid=${this.mode === 'add' ? 'add-search' : 'search'} autocomplete="off"
          autocapitalize="none" spellcheck="false" maxlength="320" enterkeyhint="search"
          aria-label=${text.searchLabel} placeholder=${text.searchHint} .value=${this.query} @input=${this.#typed}
          @keydown=${this.#key}>
        ${
          this.query
            ? html`<button type="button" class="round" aria-label=${text.clearSearch} title=${text.clearSearch}
                @click=${this.#clear}>${icons.close}</button>`
            : nothing
        }
      </form>
      <p class="sr" role="status">${this.#announcement()}</p>
      <div class="lists">${this.query.trim() ? this.#results() : this.#contacts()}</div>`;
  }

  #announcement(): string {
    if (this.found?.state === 'searching') return text.searching;
    return this.found?.state === 'found' ? text.resultCount(this.found.contacts.length) : '';
  }

  #results(): TemplateResult | typeof nothing {
    const { found } = this;
    if (!found || found.state === 'searching') {
      return html`<p class="empty" data-testid="searching">${text.searching}</p>`;
    }
    if (found.state === 'failed') {
      return html`<p class="problem" role="alert" data-testid="search-problem">
        ${icons.warning}<span>${found.sentence}</span></p>`;
    }
    const query = this.query.trim();
    const others = found.contacts.filter(({ person }) => person.address !== this.session?.me.address);
    if (others.length === 0) {
      return html`<div class="empty" data-testid="search-empty">
        <strong>${query.includes('@') ? text.nothingFoundAt(query) : text.nothingFound(query)}</strong>
        <span>${text.wholeAddressHint}</span></div>`;
    }
    const known = new Set(this.#companies.value?.flatMap((c) => c.contacts.map(({ person }) => person.address)));
    return html`<section aria-label=${text.results}>
      <ul>${repeat(
        others,
        ({ person }) => person.address,
        (contact) => html`<li data-testid="search-result-${contact.person.address}">
          <parley-person-row found .contact=${this.#current(contact)} .mode=${this.mode}
            .note=${this.notes.get(contact.person.address) ?? ''}
            ?savable=${this.mode === 'call' && !known.has(contact.person.address)}></parley-person-row></li>`,
      )}</ul></section>`;
  }

  /** A person found who is also a contact is shown with the presence that is kept up to date. */
  #current(contact: Contact): Contact {
    for (const { contacts } of this.#companies.value ?? []) {
      const same = contacts.find(({ person }) => person.address === contact.person.address);
      if (same) return same;
    }
    return contact;
  }

  #contacts(): TemplateResult | typeof nothing {
    const companies = (this.#companies.value ?? []).map((company) => ({
      ...company,
      contacts: company.contacts.filter(({ person }) => person.address !== this.session?.me.address),
    }));
    const filled = companies.filter(({ contacts }) => contacts.length > 0);
    if (filled.length === 0) return html`<p class="empty">${text.noContacts}</p>`;
    return html`${repeat(
      filled,
      ({ provider }) => provider.domain,
      (company) => this.#company(company),
    )}`;
  }

  #company({ provider, contacts }: Company): TemplateResult {
    const foreign = provider.domain !== this.session?.provider.domain;
    const editing = this.editing === provider.domain;
    const mode = editing ? 'edit' : this.mode;
    return html`<section aria-label=${provider.name} data-testid="company-${provider.domain}">
      <div class="group">
        <h3>${provider.name}${foreign ? html` <span class="domain">${provider.domain}</span>` : nothing}</h3>
        ${
          foreign && this.mode === 'call'
            ? html`<button type="button" class="link" data-testid="edit-${provider.domain}" aria-pressed=${editing}
                aria-label=${text.editGroup(provider.name)} @click=${() => this.#edit(provider.domain)}>
                ${editing ? text.done : text.edit}</button>`
            : nothing
        }
      </div>
      <ul>${repeat(
        contacts,
        ({ person }) => person.address,
        (contact) => html`<li data-testid="contact-${contact.person.address}" data-presence=${contact.presence}>
          <parley-person-row .contact=${contact} .mode=${mode}
            .note=${this.notes.get(contact.person.address) ?? ''}></parley-person-row></li>`,
      )}</ul></section>`;
  }

  #edit(domain: string): void {
    this.editing = this.editing === domain ? '' : domain;
  }

  readonly #clear = () => {
    this.clear();
    this.focus();
  };

  readonly #typed = (event: Event) => {
    this.#ask((event.target as HTMLInputElement).value);
  };

  readonly #submit = (event: Event) => {
    event.preventDefault();
    clearTimeout(this.#timer);
    if (this.query.trim()) void this.#search(this.query.trim());
  };

  // The first Escape empties the field; only the next closes what is around it.
  readonly #key = (event: KeyboardEvent) => {
    if (event.key !== 'Escape' || !this.query) return;
    event.preventDefault();
    event.stopPropagation();
    this.clear();
  };

  #ask(query: string): void {
    this.query = query;
    clearTimeout(this.#timer);
    this.#asked += 1;
    const asked = query.trim();
    this.found = asked ? { state: 'searching' } : null;
    if (asked) this.#timer = setTimeout(() => void this.#search(asked), TYPING_REST);
  }

  async #search(query: string): Promise<void> {
    const { session } = this;
    if (!session) return;
    this.#asked += 1;
    const asked = this.#asked;
    // An address that is still being typed is asked for when it is whole: another company's node may be far away.
    if (query.includes('@') && !parseAddress(query)) {
      this.found = { state: 'found', contacts: [] };
      return;
    }
    let found: Found;
    try {
      found = { state: 'found', contacts: await session.search(query) };
    } catch (error) {
      found = { state: 'failed', sentence: asParleyError(error).message };
    }
    if (asked === this.#asked) this.found = found;
  }
}

define('parley-people', ParleyPeople);
