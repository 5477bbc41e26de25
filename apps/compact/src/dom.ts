// The little that is needed to make pages by hand. Text is always text, never markup.

type Child = Node | string | null | false;
interface Properties {
  readonly testId?: string;
  readonly class?: string;
  readonly click?: () => unknown;
  readonly attributes?: Readonly<Record<string, string>>;
}

/** Makes an element with its children. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Properties = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (properties.testId) element.dataset.testid = properties.testId;
  if (properties.class) element.className = properties.class;
  if (properties.click) element.addEventListener('click', properties.click);
  for (const [name, value] of Object.entries(properties.attributes ?? {})) element.setAttribute(name, value);
  fill(element, ...children);
  return element;
}

/** A button that says what it does. */
export function button(words: string, testId: string, click: () => unknown, look = ''): HTMLButtonElement {
  return make('button', { testId, class: look, click, attributes: { type: 'button' } }, words);
}

/** Replaces what is inside `parent`. */
export function fill(parent: Element, ...children: Child[]): void {
  parent.replaceChildren(...children.filter((child) => child !== null && child !== false));
}

const SHOWN_MS = 6000;
const MOST = 3;
const notices = make('div', { class: 'notices', attributes: { role: 'log', 'aria-live': 'polite' } });

/** Says something once, at the top, for a few seconds. */
export function notice(kind: string, sentence: string): void {
  const entry = make('p', { testId: 'notice', attributes: { 'data-kind': kind } }, sentence);
  if (!notices.isConnected) document.body.append(notices);
  notices.append(entry);
  while (notices.childElementCount > MOST) notices.firstElementChild?.remove();
  setTimeout(() => entry.remove(), SHOWN_MS);
}
