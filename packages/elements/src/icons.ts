// Icons as templates: simple shapes on a 24 by 24 grid, drawn with lines in the colour of the text around them. They
// are decoration; the control around them carries the name.
import { html, type SVGTemplateResult, svg, type TemplateResult } from 'lit';

function icon(shape: SVGTemplateResult): TemplateResult {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false" fill="none"
    stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round">${shape}</svg>`;
}

const slash = svg`<path d="M4 4l16 16"/>`;
const capsule = svg`<rect x="9" y="3" width="6" height="11" rx="3"/><path d="M5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3"/>`;
const lens = svg`<rect x="3" y="6.5" width="12.5" height="11" rx="3"/><path d="M15.5 10.8l5-2.8v8l-5-2.8z"/>`;
const handset = svg`<path d="M5.2 4.5h2.9l1.6 4-2 1.6a12 12 0 0 0 6.2 6.2l1.6-2 4 1.6v2.9a1.8 1.8 0 0 1-1.9 1.8A14.6 14.6 0 0 1 3.4 6.4a1.8 1.8 0 0 1 1.8-1.9z"/>`;

export const icons = {
  microphone: icon(capsule),
  microphoneOff: icon(svg`${capsule}${slash}`),
  camera: icon(lens),
  cameraOff: icon(svg`${lens}${slash}`),
  call: icon(handset),
  hangUp: icon(svg`<g transform="rotate(135 12 12)">${handset}</g>`),
  conference: icon(
    svg`<circle cx="12" cy="8" r="3"/><path d="M6.5 19c0-3.2 2.4-5.2 5.5-5.2s5.5 2 5.5 5.2"/><path d="M5.8 12.6a2.3 2.3 0 1 1 .6-4.5M18.2 12.6a2.3 2.3 0 1 0-.6-4.5M2.5 17.5c0-1.7.8-2.9 2.1-3.5M21.5 17.5c0-1.7-.8-2.9-2.1-3.5"/>`,
  ),
  addPerson: icon(
    svg`<circle cx="10" cy="8" r="3.5"/><path d="M3.5 19.5c0-3.6 2.8-6 6.5-6 1.5 0 2.9.4 4 1.1"/><path d="M18 14.5v6M15 17.5h6"/>`,
  ),
  chat: icon(
    svg`<path d="M4 6.5A2.5 2.5 0 0 1 6.5 4h11A2.5 2.5 0 0 1 20 6.5v7a2.5 2.5 0 0 1-2.5 2.5H11l-4.5 4v-4A2.5 2.5 0 0 1 4 13.5z"/><path d="M8 8.5h8M8 11.7h5"/>`,
  ),
  send: icon(svg`<path d="M4.5 12L20 4.5 16 20l-4.5-6z"/><path d="M11.5 14L20 4.5"/>`),
  search: icon(svg`<circle cx="10.5" cy="10.5" r="6"/><path d="M15 15l5 5"/>`),
  close: icon(svg`<path d="M6 6l12 12M18 6L6 18"/>`),
  bookmark: icon(svg`<path d="M12 5v14M5 12h14"/>`),
  remove: icon(svg`<path d="M5 12h14"/>`),
  signOut: icon(svg`<path d="M13.5 5H7a2 2 0 0 0-2 2v10a2 2 0 0 0 2 2h6.5M11 12h9M16.5 8l3.5 4-3.5 4"/>`),
  key: icon(svg`<circle cx="8" cy="14" r="4"/><path d="M11 11l8-7M16 6.5l3 3"/>`),
  link: icon(
    svg`<path d="M10 14a4 4 0 0 0 5.7 0l3.1-3.1a4 4 0 0 0-5.7-5.7L11.8 6.5"/><path d="M14 10a4 4 0 0 0-5.7 0l-3.1 3.1a4 4 0 0 0 5.7 5.7l1.3-1.3"/>`,
  ),
  copy: icon(
    svg`<rect x="8.5" y="8.5" width="11" height="11" rx="2.5"/><path d="M15.5 5.5a2 2 0 0 0-2-1H6.5a2 2 0 0 0-2 2v7a2 2 0 0 0 1 2"/>`,
  ),
  door: icon(svg`<path d="M6 20V6a2 2 0 0 1 2-2h8a2 2 0 0 1 2 2v14M3.5 20h17M14.5 12v.6"/>`),
  warning: icon(svg`<path d="M12 4.5L21 19.5H3z"/><path d="M12 10.5v4M12 17.2v.1"/>`),
  pin: icon(svg`<path d="M9 4h6l-.8 6.2 3.3 3.3H6.5l3.3-3.3zM12 13.5V20.5"/>`),
  screen: icon(
    svg`<rect x="3" y="4.5" width="18" height="12" rx="2.2"/><path d="M12 13.2V8M9.6 10.2L12 7.8l2.4 2.4M8.5 20h7"/>`,
  ),
  check: icon(svg`<path d="M5 12.5l4.5 4.5L19 7.5"/>`),
  shield: icon(svg`<path d="M12 3.5l7 2.6v5.4c0 4.4-2.9 7.6-7 9-4.1-1.4-7-4.6-7-9V6.1z"/>`),
  shieldCheck: icon(
    svg`<path d="M12 3.5l7 2.6v5.4c0 4.4-2.9 7.6-7 9-4.1-1.4-7-4.6-7-9V6.1z"/><path d="M8.8 12l2.3 2.3 4.2-4.6"/>`,
  ),
  chevron: icon(svg`<path d="M7 10l5 5 5-5"/>`),
  more: icon(svg`<path d="M5.5 12h.01M12 12h.01M18.5 12h.01" stroke-width="3.4"/>`),
  record: icon(svg`<circle cx="12" cy="12" r="8.5"/><circle cx="12" cy="12" r="3.6" fill="currentColor"/>`),
  stop: icon(svg`<circle cx="12" cy="12" r="8.5"/><rect x="9" y="9" width="6" height="6" rx="1" fill="currentColor"/>`),
  mixed: icon(svg`<rect x="3" y="5" width="18" height="14" rx="3"/><path d="M12 5v14M3 12h18"/>`),
  direct: icon(svg`<circle cx="5" cy="12" r="2.2"/><circle cx="19" cy="12" r="2.2"/><path d="M7.5 12h9"/>`),
  hub: icon(
    svg`<circle cx="12" cy="12" r="2.8"/><circle cx="12" cy="4" r="1.6"/><circle cx="5" cy="18" r="1.6"/><circle cx="19" cy="18" r="1.6"/><path d="M12 5.8v3.2M6.3 16.8l3.3-2.7M17.7 16.8l-3.3-2.7"/>`,
  ),
} as const;
