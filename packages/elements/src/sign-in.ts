// Where everybody starts: the company's name, one button for each way to sign in, and why the last try failed.
import type { NodeInfo } from '@parley/client';
import { css, html, nothing } from 'lit';
import { define, ParleyElement } from './element.ts';
import { icons } from './icons.ts';
import { signInError, text } from './strings.ts';
import { doorway } from './styles.ts';

export class ParleySignIn extends ParleyElement {
  static override properties = { info: { attribute: false }, error: {}, returnTo: { attribute: 'return-to' } };
  declare info: NodeInfo | null;
  /** Error code that the node sent back, or empty. */
  declare error: string;
  /** Where the browser comes back to, signed in. */
  declare returnTo: string;

  static override styles = [
    ParleyElement.styles,
    doorway,
    css`
      .card {
        gap: 28px;
        width: min(100%, 420px);
        padding: 40px clamp(20px, 6vw, 40px);
        text-align: center;
      }
      h1 {
        font-size: 1.625rem;
        line-height: 1.2;
        letter-spacing: -0.02em;
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
