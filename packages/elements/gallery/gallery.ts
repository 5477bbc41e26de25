// The gallery: `?state=<name>` shows one state of the product on the fake session; without it, the list of them. For
// looking at and for tests; it is not shipped. Open it with `vite` in this folder.
import { html, render } from 'lit';
import '../src/index.ts';
import type { FakeSession } from './fake-session.ts';
import { states } from './states.ts';

declare global {
  interface Window {
    /** For tests: the session that is shown. */
    fakeSession?: FakeSession;
  }
}

const name = new URLSearchParams(location.search).get('state') ?? '';
const make = states[name];
if (make) {
  const { session, view } = make();
  window.fakeSession = session;
  render(view, document.body);
} else {
  document.title = 'Gallery of the elements';
  render(
    html`<ul class="list">
      ${Object.keys(states).map((state) => html`<li><a href="?state=${state}">${state}</a></li>`)}
    </ul>`,
    document.body,
  );
}
