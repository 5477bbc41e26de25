// The window in which somebody who is asked to prove who they are chooses where to sign in (R68). The app takes the browser
// there and back.
import type { Call, Session, SignInChoice } from '@parley/client';
import { asParleyError } from '@parley/protocol';
import { css, html, nothing } from 'lit';
import { define, Follow, ParleyElement } from './element.ts';
import { emit } from './events.ts';
import { icons } from './icons.ts';
import { countdown, text } from './strings.ts';
import { sheet } from './styles.ts';

export class ParleyIdentify extends ParleyElement {
  static override properties = {
    session: { attribute: false },
    call: { attribute: false },
    choices: { state: true },
    problem: { state: true },
  };
  declare session: Session | null;
  declare call: Call | null;
  declare choices: readonly SignInChoice[];
  declare problem: string;
  readonly #view = new Follow(this, () => this.call?.view);
  #ticking: ReturnType<typeof setInterval> | undefined;
  /** For which call it has opened by itself. */
  #opened: Call | null = null;

  static override styles = [
    ParleyElement.styles,
    sheet,
    css`
      .inside {
        --surface: var(--raised);
        display: grid;
        gap: 18px;
        padding: 20px;
      }
      .clock {
        font-size: 2rem;
        font-weight: 700;
        font-variant-numeric: tabular-nums;
        text-align: center;
      }
      .choices {
        display: grid;
        gap: 10px;
      }
      .button {
        width: 100%;
        overflow-wrap: anywhere;
      }
      .button.second {
        background: var(--accent-soft);
        color: var(--accent-text);
      }
    `,
  ];

  constructor() {
    super();
    this.session = null;
    this.call = null;
    this.choices = [];
    this.problem = '';
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#ticking = setInterval(() => {
      if (this.#view.value?.identify) this.requestUpdate();
    }, 500);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.#ticking);
  }

  protected override updated(): void {
    const asked = this.#view.value?.identify ?? null;
    const dialog = this.renderRoot.querySelector('dialog');
    if (asked && this.#opened !== this.call) {
      this.#opened = this.call;
      void this.show();
    } else if (!asked && dialog?.open) dialog.close();
  }

  async show(): Promise<void> {
    const dialog = this.renderRoot.querySelector('dialog');
    if (!dialog || dialog.open) return;
    dialog.showModal();
    try {
      this.choices = (await this.session?.signInChoices()) ?? [];
    } catch (error) {
      this.problem = asParleyError(error).message;
    }
  }

  override render() {
    const asked = this.#view.value?.identify;
    const clock = asked ? countdown(asked.until, Date.now()) : '';
    return html`<dialog aria-labelledby="title" aria-describedby="hint" data-testid="identify-dialog">
      <div class="inside">
        <header>
          <h2 id="title">${text.proveTitle}</h2>
          <button type="button" class="round" aria-label=${text.close} title=${text.close} data-testid="identify-close"
            @click=${() => this.renderRoot.querySelector('dialog')?.close()}>${icons.close}</button>
        </header>
        <p id="hint" class="quiet">${text.proveHint}</p>
        <p class="clock" role="timer" aria-label=${text.timeLeft}>${clock}</p>
        ${this.problem ? html`<p class="problem" role="alert">${icons.warning}<span>${this.problem}</span></p>` : nothing}
        <div class="choices">${this.choices.map(
          (choice, index) => html`<button type="button" class="button ${index === 0 ? 'primary' : 'second'}"
            data-testid="identify-${choice.id}" @click=${() => emit(this, 'parley-identify', { choice })}>
            ${icons.key}<span>${text.signInWith(choice.name)}</span></button>`,
        )}</div>
      </div>
    </dialog>`;
  }
}

define('parley-identify', ParleyIdentify);
