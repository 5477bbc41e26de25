// Where a person is signed in, and how to end it: a lost phone, a browser somewhere else. Also whether others can verify
// who this device is.
import type { Session, SignedIn } from '@parley/client';
import { asParleyError } from '@parley/protocol';
import { css, html, nothing } from 'lit';
import './accounts.ts';
import type { ParleyAccounts } from './accounts.ts';
import { define, ParleyElement } from './element.ts';
import { browserName } from './format.ts';
import { icons } from './icons.ts';
import { text } from './strings.ts';
import { rows, sheet } from './styles.ts';

export class ParleySignIns extends ParleyElement {
  static override properties = {
    session: { attribute: false },
    outcome: {},
    list: { state: true },
    problem: { state: true },
  };
  declare session: Session | null;
  /** What came of linking an account: see `parley-accounts`. */
  declare outcome: string;
  declare list: readonly SignedIn[] | null;
  declare problem: string;

  static override styles = [
    ParleyElement.styles,
    sheet,
    rows,
    css`
      dialog header {
        margin-bottom: 12px;
      }
      li {
        min-height: 60px;
      }
      .provable {
        display: flex;
        gap: 10px;
      }
    `,
  ];

  constructor() {
    super();
    this.session = null;
    this.outcome = '';
    this.list = null;
    this.problem = '';
  }

  protected override firstUpdated(): void {
    // The browser has just come back from linking an account.
    if (this.outcome) this.show();
  }

  /** Opens the window with the list as it is now. */
  show(): void {
    this.problem = '';
    this.renderRoot.querySelector('dialog')?.showModal();
    void this.#read();
    void this.renderRoot.querySelector<ParleyAccounts>('parley-accounts')?.read();
  }

  async #read(): Promise<void> {
    try {
      this.list = (await this.session?.signIns()) ?? [];
    } catch (error) {
      this.problem = asParleyError(error).message;
    }
  }

  async #end({ id }: SignedIn): Promise<void> {
    this.problem = '';
    try {
      await this.session?.endSignIn(id);
      await this.#read();
    } catch (error) {
      this.problem = asParleyError(error).message;
    }
  }

  override render() {
    const provable = this.session?.provable ?? false;
    return html`<dialog aria-labelledby="title">
      <header>
        <h2 id="title">${text.signIns}</h2>
        <button type="button" class="round" data-testid="sign-ins-close" aria-label=${text.close} title=${text.close}
          @click=${() => this.renderRoot.querySelector('dialog')?.close()}>${icons.close}</button>
      </header>
      <p class="provable quiet" data-testid="provable" data-provable=${provable}>
        ${provable ? icons.shieldCheck : icons.shield}<span>${provable ? text.provable : text.notProvable}</span>
      </p>
      ${this.problem ? html`<p class="problem" role="alert">${icons.warning}<span>${this.problem}</span></p>` : nothing}
      <ul>${(this.list ?? []).map((one) => this.#row(one))}</ul>
      <parley-accounts .session=${this.session} .outcome=${this.outcome}></parley-accounts>
    </dialog>`;
  }

  #row(one: SignedIn) {
    const name = browserName(one.userAgent);
    const since = new Date(one.createdAt).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' });
    return html`<li data-testid="signed-in" data-current=${one.current}>
      <div>
        <p>${name}${one.current ? html` <strong>${text.thisBrowser}</strong>` : nothing}</p>
        <p class="quiet">${text.signedInSince(since)}</p>
      </div>
      ${
        one.current
          ? nothing
          : html`<button type="button" class="button" data-testid="end-sign-in" aria-label=${text.endSignInOf(name)}
              @click=${() => this.#end(one)}>${text.endSignIn}</button>`
      }
    </li>`;
  }
}

define('parley-sign-ins', ParleySignIns);
