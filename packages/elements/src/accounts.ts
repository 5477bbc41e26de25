// With which accounts elsewhere a person may sign in: the list, and how to link one more or unlink one. Others then see
// by whom, and as whom, the person was verified.
import type { LinkedAccounts, Session } from '@parley/client';
import { asParleyError, type ErrorCode, errorCatalogue } from '@parley/protocol';
import { css, html, nothing } from 'lit';
import { define, ParleyElement } from './element.ts';
import { icons } from './icons.ts';
import { text } from './strings.ts';

/** Where the browser comes back to after giving the password again: the window with this list is opened there. */
const AGAIN_PATH = '/?accounts=again';

export class ParleyAccounts extends ParleyElement {
  static override properties = {
    session: { attribute: false },
    outcome: {},
    list: { state: true },
    problem: { state: true },
  };
  declare session: Session | null;
  /** What came of linking: `linked`, `again`, a code of an error, or empty. */
  declare outcome: string;
  declare list: LinkedAccounts | null;
  declare problem: ErrorCode | null;

  static override styles = [
    ParleyElement.styles,
    css`
      section {
        display: grid;
        gap: 8px;
        margin-top: 20px;
        padding-top: 16px;
        border-top: 1px solid var(--line);
      }
      h3 {
        font-size: 1rem;
      }
      li {
        display: flex;
        align-items: center;
        justify-content: space-between;
        gap: 12px;
        min-height: 56px;
        padding: 4px 0;
        overflow-wrap: anywhere;
      }
      .choices {
        display: flex;
        flex-wrap: wrap;
        gap: 8px;
      }
    `,
  ];

  constructor() {
    super();
    this.session = null;
    this.outcome = '';
    this.list = null;
    this.problem = null;
  }

  /** Asks for the list as it is now. */
  async read(): Promise<void> {
    this.problem = Object.hasOwn(errorCatalogue, this.outcome) ? (this.outcome as ErrorCode) : null;
    await this.#try(async () => {
      this.list = (await this.session?.accounts()) ?? null;
    });
  }

  async #try(act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      this.problem = asParleyError(error).code;
    }
  }

  async #leaveFor(url: Promise<string> | undefined): Promise<void> {
    this.problem = null;
    await this.#try(async () => {
      const target = await url;
      if (target !== undefined) location.assign(target);
    });
  }

  async #unlink(id: string): Promise<void> {
    this.outcome = '';
    this.problem = null;
    await this.#try(async () => {
      await this.session?.unlinkAccount(id);
      this.list = (await this.session?.accounts()) ?? null;
    });
  }

  override render() {
    const { list, problem, outcome } = this;
    // A company that lets nobody link anything has nothing to say here.
    if (!list || (list.accounts.length === 0 && list.choices.length === 0)) return nothing;
    return html`<section aria-labelledby="accounts" data-testid="accounts">
      <h3 id="accounts">${text.accounts}</h3>
      <p class="quiet">${text.accountsHint}</p>
      ${problem === null ? nothing : this.#problem(problem)}
      ${outcome === 'linked' ? html`<p role="status" data-testid="account-linked">${text.accountLinked}</p>` : nothing}
      <ul>
        ${list.accounts.map(
          ({ id, issuer, account, linkedAt }) => html`<li data-testid="account">
            <div><p>${account}</p><p class="quiet">${text.accountAt(issuer, linkedAt === null)}</p></div>
            ${
              linkedAt === null
                ? nothing
                : html`<button type="button" class="button" data-testid="unlink" aria-label=${text.unlinkOf(account)}
                    @click=${() => this.#unlink(id)}>${text.unlink}</button>`
            }
          </li>`,
        )}
      </ul>
      <div class="choices">
        ${list.choices.map(
          ({ id, name }) => html`<button type="button" class="button" data-testid="link-${id}"
            @click=${() => this.#leaveFor(this.session?.linkAccount(id))}>${icons.key}<span>${text.linkAt(name)}</span></button>`,
        )}
      </div>
    </section>`;
  }

  #problem(code: ErrorCode) {
    const again = code === 'sign-in-again';
    return html`<p class="problem" role="alert" data-testid="account-problem" data-code=${code}>
        ${icons.warning}<span>${errorCatalogue[code].text}</span></p>
      ${
        again
          ? html`<div class="choices"><button type="button" class="button primary" data-testid="sign-in-again"
              @click=${() => this.#leaveFor(this.session?.signInAgain(AGAIN_PATH))}>${text.signInAgain}</button></div>`
          : nothing
      }`;
  }
}

define('parley-accounts', ParleyAccounts);
