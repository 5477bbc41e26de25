// Whether somebody is who they seem to be: one word, and on a click what was checked and by whom.
import { explainTrust, type TrustView } from '@parley/client';
import type { Person } from '@parley/protocol';
import { button, fill, make } from './dom.ts';

export interface TrustSign {
  readonly element: HTMLElement;
  update(trust: TrustView): void;
}

const marks = new Map<boolean | null, string>([
  [true, '✓'],
  [false, '✗'],
  [null, '–'],
]);

export function trustSign(person: Person): TrustSign {
  const summary = make('summary');
  const page = make('div', { class: 'checks' });
  const element = make('details', { testId: `trust-${person.address}`, class: 'trust' }, summary, page);
  const close = button('Close', `trust-close-${person.address}`, () => {
    element.open = false;
    summary.focus();
  });
  element.addEventListener('keydown', ({ key }) => {
    if (key === 'Escape' && element.open) close.click();
  });
  let shown: TrustView | null = null;
  return {
    element,
    update(trust) {
      if (trust === shown) return;
      shown = trust;
      const { word, title, lines, notes } = explainTrust(trust, person);
      Object.assign(element.dataset, { status: trust.status, code: trust.code ?? '' });
      fill(summary, word);
      fill(
        page,
        make('strong', {}, title),
        trust.status === 'verified' ? null : make('p', {}, trust.text),
        ...lines.map(({ passed, text, by }) => make('p', {}, `${marks.get(passed)} ${text} (${by})`)),
        ...notes.map((note) => make('p', {}, note)),
        close,
      );
    },
  };
}
