// The gallery: `#<name>` shows one state of the product on the fake session; without it, the list of them. For looking at
// and for tests; it is not shipped. Open it with `vite` in this folder.
import '@fontsource-variable/inter/wght.css';
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

function show(): void {
  const make = states[location.hash.slice(1)];
  const frame = document.createElement('div');
  frame.className = 'frame';
  document.body.replaceChildren(frame);
  if (!make) {
    const names = Object.keys(states);
    render(html`<ul class="list">${names.map((name) => html`<li><a href="#${name}">${name}</a></li>`)}</ul>`, frame);
    return;
  }
  const { session, view } = make();
  window.fakeSession = session;
  frame.dataset.state = location.hash.slice(1);
  render(view, frame);
}

addEventListener('hashchange', show);
show();
