// Contacts, and the field that finds anybody by name or address. Used for calling and for adding.
import type { Session } from '@parley/client';
import { asParleyError, type Company, type Contact } from '@parley/protocol';
import { button, fill, make } from './dom.ts';
import { presences } from './words.ts';

const TYPING_REST = 250;

export interface PeopleUse {
  /** Name of the field for tests, and what the field is for. */
  readonly field: string;
  readonly prefix: 'contact' | 'choice';
  readonly actions: (contact: Contact) => readonly HTMLButtonElement[];
}

/** Returns the element, and how to stop following the contacts. */
export function people(session: Session, use: PeopleUse): { element: HTMLElement; stop: () => void } {
  const input = make('input', {
    testId: use.field,
    attributes: {
      type: 'search',
      'aria-label': 'Name or address',
      placeholder: 'Name or address',
      autocomplete: 'off',
      maxlength: '320',
    },
  });
  const list = make('div', { class: 'people' });
  const status = make('p', { class: 'hint', attributes: { role: 'status' } });
  const row = (prefix: string) => (contact: Contact) => {
    const { person, presence } = contact;
    const where = make(
      'span',
      { class: 'hint', attributes: { 'data-presence': presence } },
      presences[presence],
      ` · ${person.address}`,
    );
    return make(
      'li',
      { testId: `${prefix}-${person.address}`, attributes: { 'data-presence': presence } },
      make('p', {}, make('strong', {}, person.name), where),
      make('div', { class: 'actions' }, ...use.actions(contact)),
    );
  };
  const others = (contacts: readonly Contact[]) =>
    contacts.filter(({ person }) => person.address !== session.me.address);
  const showContacts = (companies: readonly Company[]) => {
    if (input.value.trim()) return;
    fill(status);
    fill(
      list,
      ...companies.flatMap(({ provider, contacts }) =>
        others(contacts).length === 0
          ? []
          : [make('h2', {}, provider.name), make('ul', {}, ...others(contacts).map(row(use.prefix)))],
      ),
    );
  };
  const search = async (text: string) => {
    const current = () => input.value.trim() === text;
    try {
      const found = others(await session.search(text));
      if (!current()) return;
      fill(list, make('ul', {}, ...found.map(row('search-result'))));
      status.dataset.testid = 'search-empty';
      fill(status, found.length === 0 ? 'Nobody found. Somebody of another company? Type the whole address.' : null);
    } catch (error) {
      if (!current()) return;
      status.dataset.testid = 'search-problem';
      fill(status, asParleyError(error).message);
    }
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  input.addEventListener('input', () => {
    clearTimeout(timer);
    const text = input.value.trim();
    fill(list);
    fill(status, text ? 'Looking …' : null);
    if (text) timer = setTimeout(() => void search(text), TYPING_REST);
    else showContacts(session.companies.get());
  });
  const stop = session.companies.subscribe(showContacts);
  return { element: make('section', {}, input, status, list), stop };
}

/** A button on somebody's row; its name for screen readers says whom it is about. */
export function personButton(words: string, kind: string, { person }: Contact, click: () => unknown, look = '') {
  const made = button(words, `${kind}-${person.address}`, click, look);
  made.setAttribute('aria-label', `${words} ${person.name}`);
  return made;
}
