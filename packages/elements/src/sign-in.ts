// Where everybody starts: the company's name, one button for each way to sign in, and why the last try failed.
import type { NodeInfo } from '@parley/client';
import { css, html, nothing } from 'lit';
import { define, ParleyElement } from './element.ts';
import { icons } from './icons.ts';
import { signInError, text } from './strings.ts';

export class ParleySignIn extends ParleyElement {
  static override properties = { info: { attribute: false }, error: {}, returnTo: { attribute: 'return-to' } };
  declare info: NodeInfo | null;
  /** Error code that the node sent back, or empty. */
  declare error: string;
  /** Where the browser comes back to, signed in. */
  declare returnTo: string;

  static override styles = [
    ParleyElement.styles,
    css`
      .card {
        display: grid;
        gap: 28px;
        width: min(100%, 420px);
        margin: 0 auto;
        padding: 40px clamp(20px, 6vw, 40px);
        border-radius: 28px;
        background: var(--surface);
        box-shadow: var(--shadow);
        text-align: center;
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
        font-size: 1.625rem;
        line-height: 1.2;
        font-weight: 700;
        letter-spacing: -0.02em;
        text-wrap: balance;
        overflow-wrap: anywhere;
      }
      .hint {
        margin-top: 10px;
        color: var(--muted);
        text-wrap: balance;
      }
      ul {
        display: grid;
        gap: 12px;
      }
      .button {
        width: 100%;
        text-decoration: none;
        overflow-wrap: anywhere;
      }
      @media (max-width: 400px) {
        .button .icon {
          display: none;
        }
      }
      .button.second {
        background: var(--accent-soft);
        color: var(--accent-text);
      }
    `,
  ];

  constructor() {
    super();
    this.info = null;
    this.error = '';
    this.returnTo = '/';
  }

  override render() {
    const { info } = this;
    if (!info) return nothing;
    return html`<div class="card">
      <div>
        <div class="mark" aria-hidden="true">${[...info.provider.name][0]}</div>
        <h1>${text.welcomeTo(info.provider.name)}</h1>
        <p class="hint">${text.signInHint}</p>
      </div>
      ${
        this.error
          ? html`<p class="problem" role="alert" data-testid="sign-in-error" data-code=${this.error}>
              ${icons.warning}<span>${signInError(this.error)}</span>
            </p>`
          : nothing
      }
      <ul>
        ${info.signIn.map(
          (choice, index) =>
            html`<li>
              <a class="button ${index === 0 ? 'primary' : 'second'}" data-testid="sign-in-${choice.id}"
                href=${choice.url(this.returnTo)}>${icons.key}<span>${text.signInWith(choice.name)}</span></a>
            </li>`,
        )}
      </ul>
    </div>`;
  }
}

define('parley-sign-in', ParleySignIn);
