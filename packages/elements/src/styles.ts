// Colours, sizes and ordinary controls that all elements share. A page changes the looks by custom properties:
// `--parley-accent` (colour for light pages), `--parley-accent-dark` (for dark ones) and `--parley-font`.
// Which of the two is used follows the `color-scheme` of the page. Constructed style sheets: a strict
// Content-Security-Policy does not stop them.
import { css } from 'lit';

export const tokens = css`
  :host {
    --accent: light-dark(var(--parley-accent, #0b6a88), var(--parley-accent-dark, #6cc8e4));
    --on-accent: light-dark(#ffffff, #04232e);
    --accent-soft: color-mix(in oklab, var(--accent) 13%, var(--surface));
    --accent-text: color-mix(in oklab, var(--accent) 88%, light-dark(#000000, #ffffff));
    --canvas: light-dark(#f3f6f8, #0e1418);
    --surface: light-dark(#ffffff, #171f26);
    --raised: light-dark(#ffffff, #1e2831);
    --sunken: light-dark(#eaeff3, #2c3844);
    --line: light-dark(#dde4ea, #33404b);
    --line-strong: light-dark(#7d8a96, #74828f);
    --text: light-dark(#15212b, #e9eff3);
    --muted: light-dark(#52616e, #a3b2be);
    --danger: light-dark(#c12d3a, #c93a46);
    --danger-text: light-dark(#a8202d, #ff9a9f);
    --danger-soft: light-dark(#fdecee, #3a1f24);
    --go: light-dark(#14794a, #17814f);
    --warning-soft: light-dark(#fff3d9, #3a2f17);
    --warning-text: light-dark(#6e4a00, #ffd489);
    --available: light-dark(#16935a, #3cc985);
    --away: light-dark(#c27c00, #f0b545);
    --busy: light-dark(#cc3340, #f0707a);
    --hover: light-dark(rgb(10 30 45 / 7%), rgb(255 255 255 / 12%));
    --shadow: 0 1px 2px light-dark(rgb(20 40 60 / 6%), rgb(0 0 0 / 30%)),
      0 8px 28px light-dark(rgb(20 40 60 / 9%), rgb(0 0 0 / 36%));
    --shadow-high: 0 2px 6px light-dark(rgb(20 40 60 / 10%), rgb(0 0 0 / 40%)),
      0 24px 64px light-dark(rgb(20 40 60 / 22%), rgb(0 0 0 / 60%));
    --radius: 14px;
    --radius-large: 22px;
    --touch: 44px;
    --font: var(--parley-font, system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif);
  }
`;

export const base = css`
  :host {
    display: block;
    color: var(--text);
    font-family: var(--font);
    font-size: 1rem;
    line-height: 1.45;
    -webkit-tap-highlight-color: transparent;
  }
  :host([hidden]),
  [hidden] {
    display: none !important;
  }
  *,
  ::before,
  ::after {
    box-sizing: border-box;
  }
  h1,
  h2,
  h3,
  p,
  ul,
  ol,
  dl,
  dd {
    margin: 0;
    padding: 0;
  }
  ul,
  ol {
    list-style: none;
  }
  :focus-visible {
    outline: 3px solid var(--accent);
    outline-offset: 2px;
  }
  [tabindex='-1']:focus-visible {
    outline: none;
  }
  .icon {
    display: block;
    width: 22px;
    height: 22px;
    flex: none;
  }
  .quiet {
    color: var(--muted);
    font-size: 0.875rem;
  }
  .sr {
    position: absolute;
    width: 1px;
    height: 1px;
    margin: -1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  .problem {
    display: flex;
    gap: 10px;
    align-items: flex-start;
    padding: 12px 14px;
    border-radius: var(--radius);
    background: var(--danger-soft);
    color: var(--danger-text);
    font-size: 0.9375rem;
    text-align: start;
    overflow-wrap: anywhere;
  }
`;

export const controls = css`
  button {
    font: inherit;
    color: inherit;
    cursor: pointer;
    border: 0;
    background: none;
  }
  button:disabled {
    cursor: default;
    opacity: 0.55;
  }
  .button {
    display: inline-flex;
    align-items: center;
    justify-content: center;
    gap: 10px;
    min-height: 48px;
    padding: 10px 22px;
    border-radius: 999px;
    font-weight: 600;
    text-align: center;
    background: var(--sunken);
    color: var(--text);
    transition: box-shadow 120ms;
  }
  .button:hover:not(:disabled) {
    box-shadow: inset 0 0 0 4em var(--hover);
  }
  /* Words that need two lines stay beside their icon. */
  .button:has(.icon) {
    text-align: start;
  }
  .button.primary {
    background: var(--accent);
    color: var(--on-accent);
  }
  .button.go {
    background: var(--go);
    color: #ffffff;
  }
  .button.danger {
    background: var(--danger);
    color: #ffffff;
  }
  .round {
    display: inline-grid;
    place-items: center;
    flex: none;
    width: var(--touch);
    height: var(--touch);
    padding: 0;
    border-radius: 50%;
    background: transparent;
    color: var(--muted);
    transition:
      background 120ms,
      color 120ms;
  }
  .round:hover:not(:disabled) {
    background: var(--sunken);
    color: var(--text);
  }
  .round.accent {
    color: var(--accent-text);
    background: var(--accent-soft);
  }
  .round.accent:hover:not(:disabled) {
    background: var(--accent);
    color: var(--on-accent);
  }
  .link {
    min-height: var(--touch);
    padding: 0 10px;
    border-radius: 10px;
    font-size: 0.875rem;
    font-weight: 600;
    color: var(--accent-text);
  }
  .field {
    display: flex;
    align-items: center;
    gap: 10px;
    min-height: 48px;
    padding: 0 6px 0 14px;
    border: 1px solid var(--line-strong);
    border-radius: 999px;
    background: var(--surface);
    color: var(--muted);
  }
  .field:focus-within {
    border-color: var(--accent);
    box-shadow: 0 0 0 1px var(--accent);
  }
  .field input {
    flex: 1;
    min-width: 0;
    height: 46px;
    padding: 0;
    border: 0;
    outline: none;
    background: none;
    font: inherit;
    color: var(--text);
  }
  .field input::placeholder {
    color: var(--muted);
    opacity: 1;
  }
  .field input::-webkit-search-cancel-button {
    display: none;
  }
  dialog {
    padding: 0;
    border: 0;
    color: inherit;
    background: var(--raised);
    box-shadow: var(--shadow-high);
    border-radius: var(--radius-large);
    max-width: none;
    max-height: none;
  }
  dialog::backdrop {
    background: rgb(8 16 22 / 46%);
  }
  @media (prefers-reduced-motion: reduce) {
    *,
    ::before,
    ::after,
    ::backdrop {
      animation: none !important;
      transition: none !important;
    }
  }
`;

/** A window above the page: in the middle, on a phone from below; with a heading and a way to close it. */
export const sheet = css`
  dialog {
    width: min(100vw - 24px, 460px);
    margin: auto;
  }
  @media (max-width: 560px) {
    dialog {
      width: 100vw;
      margin: auto 0 0;
      border-radius: 24px 24px 0 0;
    }
  }
  dialog header {
    display: flex;
    align-items: flex-start;
    justify-content: space-between;
    gap: 12px;
  }
  dialog header .round {
    margin: -8px -8px 0 0;
  }
  dialog h2 {
    font-size: 1.25rem;
    font-weight: 700;
    letter-spacing: -0.01em;
    overflow-wrap: anywhere;
  }
`;

/** A window with a list: what each row is, and what can be done with it. */
export const rows = css`
  dialog {
    max-height: min(100dvh - 48px, 640px);
    padding: 20px;
    overflow: auto;
  }
  ul {
    display: grid;
    gap: 4px;
    margin-top: 12px;
  }
  li {
    display: flex;
    align-items: center;
    justify-content: space-between;
    gap: 12px;
    overflow-wrap: anywhere;
  }
`;

/** Where people come in: a card with the company's initial. */
export const doorway = css`
  .card {
    display: grid;
    margin: 0 auto;
    border-radius: 28px;
    background: var(--surface);
    box-shadow: var(--shadow);
  }
  .mark {
    display: grid;
    place-items: center;
    width: 64px;
    height: 64px;
    margin: 0 auto 20px;
    border-radius: 20px;
    background: var(--accent);
    color: var(--on-accent);
    font-size: 1.75rem;
    font-weight: 700;
  }
  h1 {
    font-weight: 700;
    text-wrap: balance;
    overflow-wrap: anywhere;
  }
`;

/** Whose picture it is, at its lower edge. */
export const nameplate = css`
  .name {
    position: absolute;
    inset-inline-start: 10px;
    bottom: 10px;
    display: flex;
    align-items: center;
    gap: 6px;
    max-width: calc(100% - 20px);
    padding: 4px 11px;
    border-radius: 999px;
    background: rgb(10 18 24 / 72%);
    color: #ffffff;
    font-size: 0.875rem;
    font-weight: 550;
  }
  .name span {
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  .name .icon {
    width: 16px;
    height: 16px;
  }
`;

/** Six quiet colour pairs for avatars and tiles without a picture: `data-tint` from 0 to 5. */
export const tints = css`
  [data-tint='0'] {
    --tint: light-dark(oklch(90% 0.045 230), oklch(31% 0.05 230));
    --ink: light-dark(oklch(37% 0.09 235), oklch(88% 0.06 225));
  }
  [data-tint='1'] {
    --tint: light-dark(oklch(91% 0.05 165), oklch(31% 0.045 170));
    --ink: light-dark(oklch(36% 0.08 165), oklch(88% 0.07 165));
  }
  [data-tint='2'] {
    --tint: light-dark(oklch(92% 0.055 85), oklch(32% 0.05 80));
    --ink: light-dark(oklch(38% 0.08 70), oklch(89% 0.07 85));
  }
  [data-tint='3'] {
    --tint: light-dark(oklch(91% 0.045 35), oklch(32% 0.055 35));
    --ink: light-dark(oklch(40% 0.11 35), oklch(88% 0.06 40));
  }
  [data-tint='4'] {
    --tint: light-dark(oklch(91% 0.04 320), oklch(32% 0.055 320));
    --ink: light-dark(oklch(39% 0.11 320), oklch(88% 0.06 320));
  }
  [data-tint='5'] {
    --tint: light-dark(oklch(90% 0.045 280), oklch(32% 0.06 280));
    --ink: light-dark(oklch(38% 0.11 280), oklch(88% 0.06 285));
  }
`;
